// What the browser tests ask of a page, from its computed styles; `checks` is their only name.
const checks = (() => {
  const STOPS = "a[href], button, input, select, summary, [tabindex]";
  const isSeen = (node) => node.checkVisibility({ visibilityProperty: true });
  const name = (node) => `${node.tagName.toLowerCase()}.${node.getAttribute("class")} ${node.textContent.trim().slice(0, 40)}`;

  // Numbers the places where Tab should stop, in the order of the document.
  function markStops() {
    const stops = [...document.querySelectorAll(STOPS)].filter((one) => isSeen(one) && !one.disabled && one.tabIndex >= 0);
    stops.forEach((one, at) => { one.dataset.stop = at; });
    return stops.length;
  }

  function colour(text) {
    const found = /^rgba?\(([^)]*)\)$/.exec(text);
    if (!found) throw new Error("a colour this check cannot read: " + text);
    const [r, g, b, a = 1] = found[1].split(/[ ,/]+/).map(Number);
    return [r, g, b, a];
  }

  const blend = (over, under, share) => [0, 1, 2].map((i) => over[i] * share + under[i] * (1 - share));

  function backdrop(node) {
    if (!node) return [255, 255, 255];
    const own = colour(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own : blend(own, backdrop(node.parentElement), own[3]);
  }

  const faded = (node) => (node ? Number(getComputedStyle(node).opacity) * faded(node.parentElement) : 1);

  function luminance(rgb) {
    const [r, g, b] = rgb.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  // WCAG 2's ratio of a colour on what lies behind a node.
  function ratio(text, node, opacity) {
    const under = backdrop(node).slice(0, 3);
    const over = colour(text);
    const [low, high] = [luminance(blend(over, under, over[3] * opacity)), luminance(under)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  // Everything to be read or told apart: [its name, the ratio it has, the ratio it needs].
  function contrasts() {
    const found = [];
    const look = (node, pseudo, property, needed) => {
      const style = getComputedStyle(node, pseudo);
      const own = pseudo ? Number(style.opacity) : 1;
      found.push([`${pseudo || ""}${property} of ${name(node)}`, ratio(style[property], node, own * faded(node)), needed]);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !isSeen(node) || node.closest("option, title, :disabled")) continue;
      look(node, null, node.closest("svg") ? "fill" : "color", 4.5);
    }
    for (const node of [...document.querySelectorAll("body *")].filter(isSeen)) {
      if (node.closest("option, :disabled")) continue;
      for (const pseudo of ["::before", "::after"]) {
        const { content } = getComputedStyle(node, pseudo);
        if (content !== "none" && content !== "normal") look(node, pseudo, "color", 4.5);
      }
      if (node.matches("select, input")) look(node, null, "color", 4.5);
      if (node.matches("select, input, button")) {
        // A border is seen against what lies around the control.
        found.push([`border of ${name(node)}`, ratio(getComputedStyle(node).borderTopColor, node.parentElement, 1), 3]);
      }
      if (node.placeholder) look(node, "::placeholder", "color", 4.5);
      if (node.matches(".line polyline, .point, .before")) look(node, null, "stroke", 3);
      if (node.matches(".line circle")) look(node, null, "fill", 3);
    }
    return found;
  }

  // The place that has the focus, whether it is in sight, and its outline.
  function focus() {
    const node = document.activeElement;
    if (node === document.body) return null;
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    const shown = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const outlined = style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2;
    return { stop: Number(node.dataset.stop), name: name(node), shown, outlined, ratio: ratio(style.outlineColor, node.parentElement, 1) };
  }

  // What sticks out of the window's side and lies in no box that scrolls.
  function overflowing() {
    const scrolls = (node) => node && (/auto|scroll|hidden/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const out = [...document.querySelectorAll("body *")].filter((one) => isSeen(one) && one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one.parentElement));
    if (document.documentElement.scrollWidth > innerWidth) out.unshift(document.documentElement);
    return out.map(name);
  }

  const openAll = () => document.querySelectorAll("details").forEach((one) => { one.open = true; });

  // How many samples match, as the page says.
  const count = () => Number((/of ([\d,]+) matching/.exec(document.getElementById("count").innerText) || [0, "0"])[1].replaceAll(",", ""));

  return { count, markStops, contrasts, focus, overflowing, openAll };
})();
