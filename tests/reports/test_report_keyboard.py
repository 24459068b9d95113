"""The report in a real browser, by keys alone."""

import pytest

COUNT = "checks.count()"
FOCUS = "checks.focus()"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_tab_stops_visibly_at_every_control_in_reading_order_and_shift_tab_goes_back(
    tab, report, scheme, width
):
    tab.emulate(scheme=scheme, motion="reduce")
    tab.resize(width)
    tab.open(report)
    stops = tab.run("checks.markStops()")
    assert stops > 40
    met = []
    for _ in range(stops):
        tab.press("Tab")
        met.append(tab.run(FOCUS))
    assert [one and one["stop"] for one in met] == list(range(stops))
    assert [one["name"] for one in met if not (one["shown"] and one["outlined"])] == []
    assert [one["name"] for one in met if one["ratio"] < 3] == []
    tab.press("Tab")
    assert tab.run(FOCUS) is None, "Tab does not leave the page at its end"
    back = []
    for _ in range(stops):
        tab.press("Tab", shift=True)
        back.append(tab.run(FOCUS)["stop"])
    assert back == list(range(stops))[::-1]
    tab.press("Tab", shift=True)
    after = tab.run(FOCUS)  # a browser without controls of its own may go on at the page's end
    assert after is None or after["stop"] == stops - 1, "Shift+Tab stays at the page's start"


def test_keys_alone_skip_to_the_results_and_scroll_a_wide_table(tab, report):
    tab.resize(400)
    tab.emulate(motion="reduce")
    tab.open(report)
    tab.press("Tab", "Enter", "Tab")
    assert tab.run("document.activeElement.matches('#results .scroll')")
    tab.press(*["ArrowRight"] * 3)
    assert tab.until("document.activeElement.scrollLeft > 0")


def test_keys_alone_choose_what_is_shown(tab, report):
    tab.open(report)
    all_changed = tab.run(COUNT)
    tab.go_to("select[name=row]")
    tab.press("ArrowDown")
    assert tab.run("document.activeElement.selectedIndex") == 1
    in_first_row = tab.run(COUNT)
    assert 0 < in_first_row < all_changed
    tab.go_to("select[name=pair]")
    tab.press("ArrowDown")
    assert tab.run(COUNT) != in_first_row
    tab.go_to("select[name=kind]")
    tab.press("End")
    assert tab.run(COUNT) == 60
    tab.go_to("input[name=text]")
    tab.press(*"seen-007", "Enter")
    assert tab.run(COUNT) == 1
    assert tab.run("document.querySelectorAll('.sample').length") == 1
    tab.press("Escape")
    assert tab.run(COUNT) == 60
    assert tab.run("document.activeElement.name") == "text"


def test_keys_alone_open_a_sample_and_turn_pages_and_the_focus_is_never_lost(tab, report):
    tab.open(report)
    tab.go_to(".sample:nth-child(2) > summary")
    for key, is_open in (("Enter", True), (" ", False), ("Enter", True)):
        tab.press(key)
        assert tab.run("document.activeElement.parentElement.open") is is_open
    assert tab.until("document.querySelectorAll('.sample')[1].innerText.includes('list_folder')")
    tab.go_to("#next")
    tab.press("Enter")
    assert "26–50 of" in tab.run("document.getElementById('count').innerText")
    assert tab.run("document.activeElement.matches('.sample:first-child > summary')")
    tab.go_to("#next")
    tab.press(" ")
    assert tab.run("document.getElementById('next').disabled"), "the fixture has three pages"
    assert tab.run("document.activeElement.matches('.sample:first-child > summary')")
    tab.go_to("#previous")
    tab.press("Enter")
    assert "26–50 of" in tab.run("document.getElementById('count').innerText")
