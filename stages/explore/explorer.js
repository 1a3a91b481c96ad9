"use strict";

// The rows, as `page.py` writes them: JSON, compressed, in base64.
const COLOURS = ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7"];
const ROWS_AT_ONCE = 100;
const HOVER_PIXELS = 10;
// An address should fit into a message.
const AREA_CORNERS = 60;
const element = (id) => document.getElementById(id);

/** Return a new element with text and children. Text is always set as text. */
function make(tag, text = "", children = []) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.append(...children);
  return made;
}

async function readRows() {
  const binary = atob(element("rows").textContent.trim());
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function start(rows) {
  const count = rows.ids.length;
  const numberOfId = new Map(rows.ids.map((id, number) => [id, number]));
  const lower = rows.titles.map((title, n) => `${title}\n${rows.texts[n]}\n${rows.ids[n]}`.toLowerCase());
  const trainingCount = Array.from({ length: count }, (_, n) => (rows.training[n] || []).length);
  const queryCount = Array.from({ length: count }, (_, n) => (rows.queries[n] || []).length);
  const nearCount = Array.from({ length: count }, (_, n) => (rows.near[n] || []).length);
  const margin = Array.from({ length: count }, (_, n) => {
    const own = rows.training[n];
    return own && own[0][1] !== null ? own[0][1] : Infinity;
  });

  // What can be asked of a row: a facet has few values, and colours the map.
  const facets = {
    split: (n) => rows.splits[n],
    topic: (n) => rows.topics[rows.topic[n]] || "(none)",
    source: (n) => rows.sources[rows.source[n]],
    use: (n) => (trainingCount[n] ? "trained on" : queryCount[n] ? "asked for" : "neither"),
    copies: (n) => (nearCount[n] ? "has near-duplicates" : "has none"),
  };
  const changes = rows.changes;
  if (changes) facets.since = (n) => changes.states[changes.state[n]];
  const columns = {
    title: (n) => nameOf(n).toLowerCase(),
    topic: facets.topic,
    split: facets.split,
    training: (n) => -trainingCount[n],
    margin: (n) => margin[n],
    near: (n) => -nearCount[n],
  };
  const state = { q: "", by: "topic", sort: "", chosen: -1, area: null, shown: ROWS_AT_ONCE, placed: 0 };
  for (const name of Object.keys(facets)) state[name] = "";
  let matching = [];
  let isMatching = new Uint8Array(count);
  let colourOf = [];
  let legend = [];

  // The map of the chosen model.
  let map = rows.maps[0];

  function nameOf(n) {
    return rows.titles[n] || rows.texts[n].slice(0, 80);
  }

  // ---- The address holds the state, so that every view can be sent to somebody. ----

  function readAddress() {
    const words = new URLSearchParams(location.hash.slice(1));
    state.q = words.get("q") || "";
    state.by = words.get("by") in facets ? words.get("by") : "topic";
    state.sort = words.get("sort") in columns ? words.get("sort") : "";
    state.placed = Math.max(0, rows.maps.findIndex(({ model }) => model === words.get("placed")));
    const id = words.get("id");
    state.chosen = numberOfId.has(id) ? numberOfId.get(id) : -1;
    const area = (words.get("area") || "").split(",").map(Number);
    const isArea = area.length >= 6 && area.length % 2 === 0 && area.every(Number.isFinite);
    state.area = isArea ? area : null;
    for (const name of Object.keys(facets)) state[name] = words.get(name) || "";
  }

  function writeAddress() {
    const words = new URLSearchParams();
    for (const name of ["q", "by", "sort", ...Object.keys(facets)]) {
      if (state[name] && !(name === "by" && state.by === "topic")) words.set(name, state[name]);
    }
    if (state.placed) words.set("placed", map.model);
    if (state.chosen >= 0) words.set("id", rows.ids[state.chosen]);
    if (state.area) words.set("area", state.area.map((value) => value.toFixed(2)).join(","));
    history.replaceState(null, "", `#${words}`);
  }

  // ---- Which rows match, and in which order. ----

  function match() {
    const asked = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const limits = Object.keys(facets).filter((name) => state[name]);
    const found = [];
    isMatching = new Uint8Array(count);
    for (let n = 0; n < count; n += 1) {
      if (!asked.every((word) => lower[n].includes(word))) continue;
      if (!limits.every((name) => facets[name](n) === state[name])) continue;
      if (state.area && !isInside(state.area, map.x[n], map.y[n])) continue;
      found.push(n);
      isMatching[n] = 1;
    }
    if (state.sort) {
      const keys = new Map(found.map((n) => [n, columns[state.sort](n)]));
      found.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b));
    }
    matching = found;
  }

  /** Return whether a point lies inside an area, by the number of its sides to the right. */
  function isInside(area, x, y) {
    let inside = false;
    for (let here = 0, before = area.length - 2; here < area.length; before = here, here += 2) {
      const yHere = area[here + 1];
      const yBefore = area[before + 1];
      if (yHere > y === yBefore > y) continue;
      const crossing = area[here] + ((area[before] - area[here]) * (y - yHere)) / (yBefore - yHere);
      if (x < crossing) inside = !inside;
    }
    return inside;
  }

  function colour() {
    const counts = new Map();
    for (let n = 0; n < count; n += 1) {
      const value = facets[state.by](n);
      counts.set(value, (counts.get(value) || 0) + 1);
    }
    // What did not change is grey, like values that have no colour.
    const quiet = state.by === "since" ? "unchanged" : null;
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const values = sorted.map(([value]) => value).filter((value) => value !== quiet);
    const named = values.slice(0, values.length > COLOURS.length ? COLOURS.length - 1 : COLOURS.length);
    const place = new Map(named.map((value, index) => [value, index]));
    colourOf = Array.from({ length: count }, (_, n) => {
      const index = place.get(facets[state.by](n));
      return index === undefined ? COLOURS.length : index;
    });
    legend = named.map((value, index) => ({ value, index, size: counts.get(value) }));
    const others = values.length - named.length;
    if (others) legend.push({ value: "", index: COLOURS.length, size: others });
    if (counts.has(quiet)) legend.push({ value: quiet, index: COLOURS.length, size: counts.get(quiet) });
  }

  // ---- The map. ----

  const canvas = element("map");
  const context = canvas.getContext("2d");
  const view = { x: 0, y: 0, scale: 1 };

  function range(values) {
    let least = Infinity;
    let most = -Infinity;
    for (const value of values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return [least, most];
  }

  function fit() {
    const [left, right] = range(map.x);
    const [bottom, top] = range(map.y);
    const width = Math.max(right - left, 1);
    const height = Math.max(top - bottom, 1);
    view.scale = 0.94 * Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
    view.x = (left + right) / 2;
    view.y = (bottom + top) / 2;
  }

  const place = (x, y) => [
    (x - view.x) * view.scale + canvas.clientWidth / 2,
    (view.y - y) * view.scale + canvas.clientHeight / 2,
  ];
  const toScreen = (n) => place(map.x[n], map.y[n]);
  const toMap = (x, y) => [
    (x - canvas.clientWidth / 2) / view.scale + view.x,
    view.y - (y - canvas.clientHeight / 2) / view.scale,
  ];

  function draw(dragged = null) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const style = getComputedStyle(document.documentElement);
    const paints = [...COLOURS, "--other"].map((name) => style.getPropertyValue(name).trim());
    const size = Math.max(2, Math.min(7, 1.6 + view.scale / 25));
    const emphasis = matching.length < count ? 1.8 : 1;

    // What does not match is faint, and lies below. Grey lies below the colours.
    const order = [COLOURS.length, ...COLOURS.keys()];
    for (const isAbove of [0, 1]) {
      for (const index of order) {
        context.fillStyle = isAbove ? paints[index] : style.getPropertyValue("--faint").trim();
        for (let n = 0; n < count; n += 1) {
          if (isMatching[n] !== isAbove || colourOf[n] !== index) continue;
          const [x, y] = toScreen(n);
          const side = isAbove ? size * emphasis : size;
          context.fillRect(x - side / 2, y - side / 2, side, side);
        }
      }
    }
    drawNames(style);
    if (state.chosen >= 0) {
      const [x, y] = toScreen(state.chosen);
      context.strokeStyle = style.getPropertyValue("--ink").trim();
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, size + 5, 0, 2 * Math.PI);
      context.stroke();
    }
    if (dragged) {
      context.strokeStyle = style.getPropertyValue("--ink").trim();
      context.lineWidth = 1.5;
      context.setLineDash([4, 3]);
      context.beginPath();
      for (const [x, y] of dragged) context.lineTo(x, y);
      context.closePath();
      context.stroke();
      context.setLineDash([]);
    }
  }

  /** Write the names of the regions, the largest first; one that would cover another is left out. */
  function drawNames(style) {
    const taken = [];
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.lineJoin = "round";
    for (const [mapX, mapY, name] of map.regions) {
      const [centre, y] = place(mapX, mapY);
      const half = context.measureText(name).width / 2 + 4;

      // A name whose place is on the map is there as a whole.
      const isOnMap = centre >= 0 && centre <= canvas.clientWidth;
      const x = isOnMap ? Math.max(half, Math.min(canvas.clientWidth - half, centre)) : centre;
      const overlaps = taken.some(([ox, oy, other]) => Math.abs(ox - x) < other + half && Math.abs(oy - y) < 18);
      if (overlaps) continue;
      taken.push([x, y, half]);
      context.strokeStyle = style.getPropertyValue("--paper").trim();
      context.lineWidth = 4;
      context.strokeText(name, x, y);
      context.fillStyle = style.getPropertyValue("--ink").trim();
      context.fillText(name, x, y);
    }
  }

  function nearestAt(x, y) {
    let best = -1;
    let least = HOVER_PIXELS * HOVER_PIXELS;
    for (const n of matching) {
      const [px, py] = toScreen(n);
      const square = (px - x) * (px - x) + (py - y) * (py - y);
      if (square < least) {
        least = square;
        best = n;
      }
    }
    return best;
  }

  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const [mapX, mapY] = toMap(x, y);
    view.scale *= factor;
    const [nowX, nowY] = toMap(x, y);
    view.x += mapX - nowX;
    view.y += mapY - nowY;
    draw();
  }

  /** Return the corners of what a drag has drawn so far: a box, or a line around documents. */
  function outlineOf(dragged, x, y) {
    if (dragged.kind === "around") return [...dragged.path, [x, y]];
    return [[dragged.x, dragged.y], [x, dragged.y], [x, y], [dragged.x, y]];
  }

  /** Return the outline on the map, with so few corners that an address can hold them. */
  function areaOf(outline) {
    const step = Math.max(1, Math.ceil(outline.length / AREA_CORNERS));
    return outline.filter((_, index) => index % step === 0).flatMap(([x, y]) => toMap(x, y));
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    const kind = event.shiftKey ? "box" : element("drag").value;
    const [x, y] = [event.offsetX, event.offsetY];
    drag = { x, y, viewX: view.x, viewY: view.y, kind, path: [[x, y]], moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const tip = element("tip");
    if (drag) {
      drag.moved = drag.moved || Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) > 4;
      tip.hidden = true;
      if (drag.kind !== "move") {
        draw(outlineOf(drag, event.offsetX, event.offsetY));
        drag.path.push([event.offsetX, event.offsetY]);
        return;
      }
      view.x = drag.viewX - (event.offsetX - drag.x) / view.scale;
      view.y = drag.viewY + (event.offsetY - drag.y) / view.scale;
      draw();
      return;
    }
    const n = nearestAt(event.offsetX, event.offsetY);
    tip.hidden = n < 0;
    if (n < 0) return;
    tip.replaceChildren(make("b", nameOf(n)), make("span", rows.texts[n].slice(0, 240)), make("small", `${facets.topic(n)}, ${rows.splits[n]}`));
    tip.style.left = `${Math.min(event.offsetX + 12, Math.max(0, canvas.clientWidth - 300))}px`;
    tip.style.top = `${event.offsetY + 14}px`;
  });
  canvas.addEventListener("pointerup", (event) => {
    const last = drag;
    drag = null;
    if (!last) return;
    if (last.moved && last.kind !== "move") {
      state.area = areaOf(outlineOf(last, event.offsetX, event.offsetY));
      show();
    } else if (!last.moved) {
      const n = nearestAt(event.offsetX, event.offsetY);
      if (n >= 0) choose(n);
    }
  });
  canvas.addEventListener("pointerleave", () => {
    element("tip").hidden = true;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 60 / view.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key in moves) {
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
      draw();
    } else if (event.key === "+" || event.key === "=") zoom(1.2);
    else if (event.key === "-") zoom(1 / 1.2);
    else if (event.key === "0") {
      fit();
      draw();
    } else return;
    event.preventDefault();
  });

  // ---- Legend, table and details. ----

  function drawLegend() {
    const items = legend.map(({ value, index, size }) => {
      const mark = make("i");
      mark.className = `mark m${index}`;
      if (!value) return make("li", "", [mark, make("span", `${size} other values`)]);
      const button = make("button", "", [mark, make("span", `${value} (${size.toLocaleString("en")})`)]);
      button.type = "button";
      button.setAttribute("aria-pressed", String(state[state.by] === value));
      button.addEventListener("click", () => {
        state[state.by] = state[state.by] === value ? "" : value;
        show();
      });
      return make("li", "", [button]);
    });
    element("legend").replaceChildren(...items);
  }

  function drawTable() {
    const body = matching.slice(0, state.shown).map((n) => {
      const button = make("button", nameOf(n));
      button.type = "button";
      button.addEventListener("click", () => choose(n));
      const head = make("th", "", [button]);
      if (rows.titles[n]) head.append(make("small", rows.texts[n].slice(0, 160)));
      head.scope = "row";
      const line = make("tr", "", [
        head,
        make("td", facets.topic(n)),
        make("td", rows.splits[n]),
        make("td", trainingCount[n] ? String(trainingCount[n]) : ""),
        make("td", Number.isFinite(margin[n]) ? margin[n].toFixed(3) : ""),
        make("td", nearCount[n] ? String(nearCount[n]) : ""),
      ]);
      if (n === state.chosen) line.setAttribute("aria-current", "true");
      return line;
    });
    element("body").replaceChildren(...body);
    element("more").hidden = matching.length <= state.shown;
    for (const button of document.querySelectorAll("[data-sort]")) {
      const isSorted = button.dataset.sort === state.sort;
      button.closest("th").setAttribute("aria-sort", isSorted ? "ascending" : "none");
    }
    const shown = Math.min(state.shown, matching.length).toLocaleString("en");
    element("count").textContent =
      `${matching.length.toLocaleString("en")} of ${count.toLocaleString("en")} documents match; ${shown} of them are in the table.`;
  }

  function linkTo(n) {
    const button = make("button", nameOf(n));
    button.type = "button";
    button.className = "link";
    button.addEventListener("click", () => choose(n));
    return button;
  }

  /** Return what the ledgers say about a document, and about other rows because of it. */
  function storyOf(n) {
    const own = (rows.own[n] || []).map(([rule, times]) =>
      make("li", times > 1 ? `${rows.rules[rule]}, ${times} times` : rows.rules[rule]),
    );
    const others = (rows.others[n] || []).map(([rule, size, ids]) => {
      const more = size > ids.length ? [make("span", ` and ${size - ids.length} more`)] : [];
      const names = ids.flatMap((id) => [make("code", id), document.createTextNode(" ")]);
      return make("li", `${rows.rules[rule]}: `, [...names, ...more]);
    });
    const parts = [make("h3", "What the pipeline did to it")];
    if (own.length) parts.push(make("ul", "", own));
    else parts.push(make("p", "Nothing: neither clean nor deduplicate changed it."));
    if (others.length) parts.push(make("h3", "And to others because of it"), make("ul", "", others));
    parts.push(make("p", "", [make("span", "The whole story: "), make("code", `python -m stages explain ${rows.ids[n]}`)]));
    return parts;
  }

  /** Return what became of a document since the older version, with its former text. */
  function changesOf(n) {
    const parts = [make("h3", `Since ${changes.revision}: ${facets.since(n)}`)];
    if (n in changes.old_splits) parts.push(make("p", `It moved from ${changes.old_splits[n]} to ${rows.splits[n]}.`));
    if (n in changes.old_texts) {
      const [title, text] = changes.old_texts[n];
      parts.push(make("p", "Before, and now:"));
      parts.push(compared(`${title}\n${text}`.trim(), `${rows.titles[n]}\n${rows.texts[n]}`.trim()));
    }
    return parts;
  }

  /** Return two texts with the words marked that the other one lacks. */
  function compared(left, right) {
    const plain = (word) => word.toLowerCase().replace(/^[\p{P}]+|[\p{P}]+$/gu, "");
    const side = (text, other) => {
      const known = new Set(other.split(/\s+/).map(plain));
      const words = text.split(/(\s+)/).map((word) =>
        word.trim() && !known.has(plain(word)) ? make("mark", word) : document.createTextNode(word),
      );
      return make("p", "", words);
    };
    const pair = make("div", "", [side(left, right), side(right, left)]);
    pair.className = "pair";
    return pair;
  }

  function drawDetails() {
    const n = state.chosen;
    const place = element("details");
    if (n < 0) {
      place.replaceChildren(make("p", "Choose a document on the map or in the table."));
      return;
    }
    const parts = [make("h2", nameOf(n)), make("p", rows.texts[n])];
    parts[1].className = "text";
    parts.push(make("p", `${facets.topic(n)}, ${rows.splits[n]}, ${facets.source(n)}`));
    if (changes) parts.push(...changesOf(n));
    parts.push(...storyOf(n));

    const training = rows.training[n] || [];
    if (training.length) {
      parts.push(make("h3", `Rows of training (${training.length})`));
      parts.push(make("ul", "", training.map(([anchor, gap, negatives]) => {
        const told = gap === null ? "" : ` (margin ${gap.toFixed(3)})`;
        const children = [make("span", anchor + told)];
        if (negatives.length) {
          children.push(make("ul", "", negatives.map((other) => make("li", "negative: ", [linkTo(other)]))));
        }
        return make("li", "", children);
      })));
    }
    const queries = rows.queries[n] || [];
    if (queries.length) {
      parts.push(make("h3", `Queries of validation (${queries.length})`));
      parts.push(make("ul", "", queries.map((query) => make("li", query))));
    }
    const near = rows.near[n] || [];
    if (near.length) {
      parts.push(make("h3", `Near-duplicates (${near.length})`));
      for (const [other, similarity] of near.slice(0, 5)) {
        parts.push(make("p", `${similarity.toFixed(2)} `, [linkTo(other)]));
        parts.push(compared(rows.texts[n], rows.texts[other]));
      }
      if (near.length > 5) parts.push(make("p", `${near.length - 5} more are not shown.`));
    }
    parts.push(make("h3", `Nearest documents, by the vectors of the ${map.model}`));
    parts.push(make("ol", "", map.neighbours[n].map((other) => make("li", "", [linkTo(other)]))));
    place.replaceChildren(...parts);
  }

  function choose(n) {
    state.chosen = n;
    writeAddress();
    draw();
    drawTable();
    drawDetails();
    element("details").focus({ preventScroll: true });
  }

  // ---- Documents of the older version that are gone. ----

  let goneShown = ROWS_AT_ONCE;

  function drawGone() {
    const { gone } = changes;
    const body = gone.slice(0, goneShown).map(([id, title, reason]) => {
      const head = make("th", title);
      head.scope = "row";
      return make("tr", "", [head, make("td", "", [make("code", id)]), make("td", reason)]);
    });
    element("gone-body").replaceChildren(...body);
    const shown = Math.min(goneShown, gone.length).toLocaleString("en");
    element("gone-count").textContent = `${shown} of ${gone.length.toLocaleString("en")} are in the table.`;
    element("gone-more").hidden = gone.length <= goneShown;
  }

  function fillFacets() {
    for (const name of Object.keys(facets)) {
      const values = new Map();
      for (let n = 0; n < count; n += 1) values.set(facets[name](n), (values.get(facets[name](n)) || 0) + 1);
      const sorted = [...values].sort((a, b) => (a[0] < b[0] ? -1 : 1));
      const options = sorted.map(([value, size]) => {
        const option = make("option", `${value} (${size.toLocaleString("en")})`);
        option.value = value;
        return option;
      });
      const all = make("option", "all");
      all.value = "";
      element(`facet-${name}`).replaceChildren(all, ...options);
      element(`facet-${name}`).addEventListener("change", (event) => {
        state[name] = event.target.value;
        show();
      });
    }
  }

  function saveIds() {
    const lines = ["doc_id", ...matching.map((n) => rows.ids[n])];
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = "documents.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** Take the map of the chosen model. Its places are others, so all of it is shown. */
  function takeMap() {
    if (map === rows.maps[state.placed]) return;
    map = rows.maps[state.placed];
    fit();
  }

  function show() {
    state.shown = ROWS_AT_ONCE;
    takeMap();
    if (rows.maps.length > 1) element("placed").value = state.placed;
    element("search").value = state.q;
    element("by").value = state.by;
    for (const name of Object.keys(facets)) element(`facet-${name}`).value = state[name];
    element("noarea").hidden = !state.area;
    match();
    colour();
    writeAddress();
    draw();
    drawLegend();
    drawTable();
    drawDetails();
  }

  element("search").form.addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  element("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.q = event.target.value;
      show();
    }, 150);
  });
  element("by").addEventListener("change", (event) => {
    state.by = event.target.value;
    show();
  });
  if (rows.maps.length > 1) {
    element("placed").addEventListener("change", (event) => {
      state.placed = Number(event.target.value);

      // An area is one of its own map.
      state.area = null;
      show();
    });
  }
  element("more").addEventListener("click", () => {
    state.shown += ROWS_AT_ONCE;
    drawTable();
  });
  if (changes && changes.gone.length) {
    element("gone-more").addEventListener("click", () => {
      goneShown += ROWS_AT_ONCE;
      drawGone();
    });
  }
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      state.sort = state.sort === button.dataset.sort ? "" : button.dataset.sort;
      show();
    });
  }
  element("save").addEventListener("click", saveIds);
  element("noarea").addEventListener("click", () => {
    state.area = null;
    show();
  });
  element("reset").addEventListener("click", () => {
    history.replaceState(null, "", "#");
    readAddress();
    fit();
    show();
  });
  element("in").addEventListener("click", () => zoom(1.4));
  element("out").addEventListener("click", () => zoom(1 / 1.4));
  window.addEventListener("hashchange", () => {
    readAddress();
    show();
  });
  window.addEventListener("resize", () => draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

  readAddress();
  fillFacets();
  if (changes && changes.gone.length) drawGone();
  fit();
  show();
  document.body.dataset.ready = "yes";
}

readRows().then(start).catch((error) => {
  element("count").textContent = `This page cannot be read by this browser: ${error.message}`;
});
