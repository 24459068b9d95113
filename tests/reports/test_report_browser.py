"""The pages in a real browser: in both schemes, narrow, printed, read aloud, with ten thousand
samples, and with hostile answers."""

import itertools
import re
import time

import pytest

from purpcode.reports import compare_models, read_sides, write_comparison

LONELY = "http://127.0.0.1:9/"
HOSTILE = (
    "</script></template></textarea><script>document.title='owned';console.log('owned')</script>"
    f"&lt;b&gt; <img src={LONELY}x onerror=alert(1)><svg onload=alert(2)>"
    f"<iframe src={LONELY}></iframe><style>@import url({LONELY}s)</style>"
    "<a href=javascript:alert(3)>a</a> [b](javascript:alert(4)) \u202e\u2066 \x1b[31m {{ 7*7 }}"
    " <!-- <script>"
)
COUNT = "checks.count()"
CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def evaluations(folder, build, samples, labelled=""):
    """Two evaluations of the samples that `samples(side)` gives."""
    return [
        build.write_evaluation(folder / label, label + labelled, samples(side))
        for side, label in enumerate(("base", "tuned"))
    ]


def compared(folder, *sides, allow=()):
    comparison = compare_models(read_sides(*sides), allow=allow)
    return write_comparison(comparison, folder / "out").html


@pytest.fixture(scope="module")
def alarming(tmp_path_factory, build):
    """A comparison under an alarm, of answers that say and find all there is."""
    folder = tmp_path_factory.mktemp("alarming")
    text = "Text.\n\n```python\nimport os\n```\n\n```bash\nls\n```\n" + "More. " * 4000
    sides = [
        build.write_evaluation(
            folder / label, label, [build.scored(one, passed, text=text)], sampling={"seed": label}
        )
        for label, one, passed in (("base", "only-here", False), ("tuned", "only-there", None))
    ]
    header = (sides[1] / "header.json").read_text(encoding="utf-8")
    (sides[1] / "header.json").write_text(header.replace('"seed"', '"top_k"'), encoding="utf-8")
    return compared(folder, *sides, allow=["sampling"])


def open_all(tab):
    """Open everything that is folded, and wait for what samples show only then."""
    tab.run("checks.openAll()")
    assert tab.until("[...document.querySelectorAll('.sample')].every(one => one.children[1])")


@pytest.mark.parametrize("page", ["report", "alarming"])
def test_a_screen_reader_is_told_the_parts_of_the_page(tab, request, page):
    tab.open(request.getfixturevalue(page))
    open_all(tab)
    said = [one for one in tab.call("Accessibility.getFullAXTree")["nodes"] if not one["ignored"]]
    named = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in said]
    boxes = [name for role, name in named if role in {"combobox", "searchbox"}]
    assert boxes[0] == "Measure"
    assert {"Show", "Find"} <= set(boxes)
    silent = {"link", "button", "combobox", "searchbox", "region", "table", "navigation"}
    silent |= {"DisclosureTriangle", "columnheader", "rowheader", "img", "image"}
    assert [role for role, name in named if role in silent and not name.strip()] == []
    assert {"main", "banner", "contentinfo", "navigation", "status"} <= {role for role, _ in named}
    assert tab.run("document.documentElement.lang") == "en"
    levels = tab.run("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(then <= now + 1 for now, then in itertools.pairwise(levels))
    assert tab.run("[...document.querySelectorAll('th')].filter(th => !th.scope).length") == 0


@pytest.mark.parametrize("medium", ["light", "dark", "print"])
@pytest.mark.parametrize("page", ["report", "alarming"])
def test_everything_can_be_read_in_both_schemes_and_in_print(tab, request, page, medium):
    if medium == "print":
        tab.emulate("print", scheme="dark")
    else:
        tab.emulate(scheme=medium)
    tab.open(request.getfixturevalue(page))
    open_all(tab)
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper))) < 60) is (medium == "dark")
    found = tab.run("checks.contrasts()")
    assert len(found) > (1000 if page == "report" else 50)
    faint = {f"{name}: {ratio:.2f}" for name, ratio, needed in found if ratio < needed}
    assert sorted(faint) == []


def test_only_those_who_do_not_mind_motion_get_any(tab, report):
    scrolling = "getComputedStyle(document.documentElement).scrollBehavior"
    assert tab.open(report).run(scrolling) == "smooth"
    tab.emulate(motion="reduce")
    assert tab.run(scrolling) == "auto"
    assert tab.run("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [400, 320])
@pytest.mark.parametrize("page", ["report", "alarming"])
def test_nothing_but_tables_in_their_own_box_is_wider_than_a_narrow_window(
    tab, request, page, width
):
    tab.resize(width)
    tab.open(request.getfixturevalue(page))
    open_all(tab)
    assert tab.run("checks.overflowing()") == []


def test_print_shows_results_and_breakdowns_and_none_of_the_controls(tab, report):
    tab.open(report)
    tab.run("document.querySelectorAll('.group').forEach(one => { one.open = false; })")
    seen = "[...document.querySelectorAll({!r})].map(one => one.checkVisibility())"
    shown = "table, .chart, .lead, .basis, h1, h2, .sample > summary"
    assert not all(tab.run(seen.format(".groups")))
    tab.emulate("print")
    assert all(tab.run(seen.format(shown)))
    assert not any(tab.run(seen.format("nav, .skip, #filters, #pager")))
    assert tab.run("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"


@pytest.mark.parametrize("is_guarded", [True, False], ids=["as-it-is", "without-its-policy"])
def test_hostile_answers_run_nothing_ask_nothing_and_show_what_they_hide(
    tab, tmp_path, build, is_guarded
):
    text = f"{HOSTILE}\n\n```python\nx = 1  # {HOSTILE}\n```"
    everywhere = {"text": text, "prompt": HOSTILE, "metadata": {"rule": HOSTILE, "cwe": HOSTILE}}
    sides = evaluations(
        tmp_path,
        build,
        lambda side: [build.scored(f"{HOSTILE}{i}", side == 1, **everywhere) for i in range(3)],
        labelled=HOSTILE,
    )
    page = compared(tmp_path, *sides)
    if not is_guarded:
        source = page.read_text(encoding="utf-8")
        assert CSP.search(source)
        page.write_text(CSP.sub("", source), encoding="utf-8")
    tab.open(page)
    tab.go_to(".sample:nth-child(2) > summary")
    tab.press("Enter", "Tab", "Enter")
    assert tab.happenings() == ([], [])
    assert "owned" not in tab.run("document.title.slice(0, 5)")
    assert tab.run("document.querySelectorAll('img, iframe, svg[onload], body style').length") == 0
    assert tab.run("[...document.links].every(a => /^#[a-z]+$/.test(a.getAttribute('href')))")
    listed = tab.run("document.getElementById('list').innerText")
    assert "onerror=alert(1)" in listed
    assert "‹U+202E›‹U+2066› ‹U+001B›[31m {{ 7*7 }}" in listed
    assert not re.search("[\u202e\u2066\x1b]", tab.run("document.documentElement.outerHTML"))


def test_a_page_that_did_run_and_ask_something_would_be_noticed(tab, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<img src={LONELY}x onerror=\"console.log('owned')\">", encoding="utf-8")
    tab.open(page)
    asked, said = tab.happenings()
    assert asked == [f"{LONELY}x"]
    assert "owned" in str(said)


def test_ten_thousand_samples_are_browsable_within_seconds(tab, tmp_path, build):
    def samples(side):
        return [
            build.scored(f"s{i}", side == 1 or i % 2 == 0, text="Prose.") for i in range(10_000)
        ]

    page = compared(tmp_path, *evaluations(tmp_path, build, samples))
    tab.open(page)
    assert tab.run(COUNT) == 5_000
    assert tab.run("performance.now()") < 15_000
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    assert 0 < tab.until(paint) < 15_000
    tab.go_to("select[name=kind]")
    started = time.monotonic()
    tab.press("End")
    assert tab.run(COUNT) == 10_000
    assert time.monotonic() - started < 5


STATES = [(False, True)] * 5 + [(True, False)] * 4 + [(True, None)] * 3 + [(None, False)] * 2
STATES += [(False, False)] * 6 + [(None, None)]


def test_every_filter_shows_the_samples_it_names(tab, tmp_path, build):
    def samples(side):
        return [build.scored(f"s{i}", states[side]) for i, states in enumerate(STATES)]

    tab.open(compared(tmp_path, *evaluations(tmp_path, build, samples)))
    tab.go_to("select[name=kind]")
    tab.press("Home")
    found = {}
    for _ in range(tab.run("document.activeElement.options.length")):
        found[tab.run("document.activeElement.value")] = tab.run(COUNT)
        tab.press("ArrowDown")
    assert found == {
        "flips": 9,
        "fixed": 5,
        "regressed": 4,
        "newly unmeasured": 3,
        "newly measured": 2,
        "only in the first": 0,
        "only in the second": 0,
        "failed twice": 6,
        "failed": 12,
        "unmeasured": 6,
        "all": 21,
    }
