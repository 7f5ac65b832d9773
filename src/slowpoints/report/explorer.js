// The explorer: draws what explorer.py put into the page, and answers clicks and keys. Nothing is fetched.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const colours = data.colours;
const element = id => document.getElementById(id);
const GREY = "#F2F2F2", MINUS = "\u2212";
const [SYMBOL, PLACE] = data.by_theta ? ["θ", "θ, position on the manifold"] : ["m", "position on the main axis m, scaled"];
const LONGEST = 1e5;  // tokens, beyond which single precision tells nothing about a time constant
const state = { document: 0, word: 0, point: 0, zoomed: false };

// ---- numbers and texts
const shown = (value, digits = 3) => {
  if (value === null) return "none";
  const text = Math.abs(value) >= 1e-3 || value === 0 ? String(Number(value.toPrecision(digits))) : value.toExponential(1);
  return text.replace("-", MINUS);
};
const signed = value => (value > 0 ? "+" : "") + shown(value);
const plotText = text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");  // Plotly reads tags
const timeConstant = ([re, im]) => 1 / Math.abs(Math.log(Math.hypot(re, im)));
const tokens = tau => tau > LONGEST ? "over 100,000 tokens" : `${shown(tau, tau < 100 ? 2 : 3)} tokens`;

const mix = (from, to, share) => {
  const parts = [from, to].map(colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)));
  return `rgb(${parts[0].map((part, i) => Math.round(part + share * (parts[1][i] - part))).join(",")})`;
};
const strongest = (() => {  // 98 % quantile of what words do: one odd word must not make all others pale
  const sizes = data.document_projections.map(Math.abs).sort((a, b) => a - b);
  return sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
})();
const colourOf = push => {
  const share = Math.min(1, Math.abs(push) / strongest) ** 0.7;
  return mix(GREY, push > 0 ? colours.positive : colours.negative, share);
};

// ---- documents
const documents = data.document_labels.map((label, index) => {
  const [first, end] = data.document_offsets.slice(index, index + 2);
  const logit = data.document_logit[end - 1];
  return { index, first, end, label, length: end - first, logit, right: (logit > 0) === (label === 1) };
});
const rowOf = () => documents[state.document].first + state.word;
const before = row => row === documents[state.document].first ? data.initial_logit : data.document_logit[row - 1];

// ---- the state plane
const layout = {
  font: { family: 'system-ui, "DejaVu Sans", sans-serif', size: 13, color: "#1b1b1b" },
  paper_bgcolor: "white", plot_bgcolor: "white", showlegend: false, hovermode: "closest",
  hoverlabel: { bgcolor: "white", bordercolor: "#888", font: { color: "#1b1b1b" }, align: "left" },
};
const axis = (text, more = {}) => ({ title: { text, standoff: 8, font: { size: 13 } }, zeroline: false, gridcolor: "#eeeeee", linecolor: "#888",
                                     ticks: "outside", tickcolor: "#888", ...more });
const config = { responsive: true, displaylogo: false, displayModeBar: false };
const column = (rows, index) => rows.map(row => row[index]);
const range = values => {
  const low = Math.min(...values), high = Math.max(...values), margin = 0.06 * (high - low) || 1;
  return [low - margin, high + margin];
};
const everything = [...data.visited_plane, ...data.plane, ...data.document_plane, data.initial_plane];
const ranges = [0, 1].map(index => range(column(everything, index)));

function readoutZero() {  // the line of logit 0, long enough to cross the plane
  const [a, b] = data.readout_slope, squared = a * a + b * b;
  if (!squared) return { x: [], y: [] };
  const reach = 2 * Math.max(...ranges.map(([low, high]) => high - low)) / Math.sqrt(squared);
  const foot = [-data.readout_offset * a / squared, -data.readout_offset * b / squared];
  return { x: [foot[0] - reach * b, foot[0] + reach * b], y: [foot[1] + reach * a, foot[1] - reach * a] };
}

const chosenRows = new Set(data.chosen);
const nearestChosen = row => {  // of the points whose modes are known
  const [x, y] = data.plane[row];
  const distances = data.chosen.map(at => (data.plane[at][0] - x) ** 2 + (data.plane[at][1] - y) ** 2);
  return distances.indexOf(Math.min(...distances));
};

function planeTraces() {
  const { first, end } = documents[state.document];
  const rows = Array.from({ length: end - first }, (_, i) => first + i);
  const path = [data.initial_plane, ...data.document_plane.slice(first, end)];
  const [px, py] = data.plane[data.chosen[state.point]], [dx, dy] = data.direction[state.point];
  const reach = 0.12 * (ranges[0][1] - ranges[0][0]) / (Math.hypot(dx, dy) || 1);
  const now = data.document_plane[rowOf()];
  return [
    { name: "visited states", x: column(data.visited_plane, 0), y: column(data.visited_plane, 1), mode: "markers",
      marker: { size: 3, color: colours.visited }, hoverinfo: "skip" },
    { name: "readout = 0", ...readoutZero(), mode: "lines", line: { color: "#555", width: 1.2, dash: "dash" },
      hoverinfo: "skip" },
    { name: "points where the network is slow", x: column(data.plane, 0), y: column(data.plane, 1), mode: "markers", opacity: 1,
      marker: { opacity: 1, size: data.plane.map((_, row) => chosenRows.has(row) ? 11 : 6), color: data.place, cmin: -1, cmax: 1,
                colorscale: colours.along, line: { width: data.plane.map((_, row) => chosenRows.has(row) ? 1 : 0), color: "black" },
                colorbar: { title: { text: PLACE, side: "right", font: { size: 13 } }, thickness: 12, len: 0.9,
                            tickvals: [-1, -0.5, 0, 0.5, 1] } },
      customdata: data.plane.map((_, row) => [shown(data.place[row]), signed(data.logit[row]), slowness(row)]),
      hovertemplate: "slow point, θ = %{customdata[0]}<br>readout %{customdata[1]} (logit)"
        + "<br>%{customdata[2]}<extra></extra>" },
    { name: "slowest direction", x: [px - reach * dx, px + reach * dx], y: [py - reach * dy, py + reach * dy], mode: "lines",
      line: { color: colours.modes[0], width: 3 }, hoverinfo: "skip" },
    { name: "chosen point", x: [px], y: [py], mode: "markers", hoverinfo: "skip",
      marker: { size: 19, symbol: "circle-open", color: colours.modes[0], line: { width: 3.5 } } },
    { name: "path", x: column(path, 0), y: column(path, 1), mode: "lines", hoverinfo: "skip",
      line: { color: "rgba(0,0,0,0.55)", width: 1 } },
    { name: "document", x: column(path.slice(1), 0), y: column(path.slice(1), 1), mode: "markers",
      marker: { opacity: 1, size: 7, color: rows.map(row => colourOf(data.document_projections[row])), line: { color: "#222", width: 0.8 } },
      customdata: rows.map((row, i) => [plotText(data.document_words[row]), i + 1, shown(before(row)), shown(data.document_logit[row]),
        signed(data.document_projections[row]), signed(data.document_effects[row])]),
      hovertemplate: "<b>%{customdata[0]}</b>, word %{customdata[1]}<br>readout %{customdata[2]} → %{customdata[3]} (logit)"
        + "<br>push along slowest mode ℓ₁·J<sub>inp</sub>x = %{customdata[4]}"
        + "<br>linear effect on the readout w·J<sub>inp</sub>x = %{customdata[5]}<extra></extra>" },
    { name: "initial state", x: [data.initial_plane[0]], y: [data.initial_plane[1]], mode: "markers",
      marker: { size: 14, symbol: "star", color: "black", line: { color: "white", width: 1 } },
      hovertemplate: "initial state<extra></extra>" },
    { name: "word", x: [now[0]], y: [now[1]], mode: "markers", hoverinfo: "skip",
      marker: { size: 15, symbol: "diamond", color: colourOf(data.document_projections[rowOf()]), line: { color: "black", width: 2.5 } } },
  ];
}
const DOCUMENT = "document", POINTS = "points where the network is slow";

function drawPlane() {
  const now = data.document_plane[rowOf()];
  const percent = data.explained.map(share => `${Math.round(100 * share)} %`);
  const zero = readoutZero();
  Plotly.react("plane", planeTraces(), {
    ...layout, uirevision: "kept", margin: { l: 55, r: 10, t: 10, b: 48 },
    xaxis: axis(`PC 1 of visited states (${percent[0]} of variance)`, { range: ranges[0] }),
    yaxis: axis(`PC 2 (${percent[1]})`, { range: ranges[1] }),
    annotations: [
      { x: now[0], y: now[1], text: `<b>${plotText(data.document_words[rowOf()])}</b>`, showarrow: true, arrowhead: 0, ax: 26, ay: -30,
        bgcolor: "rgba(255,255,255,0.9)", bordercolor: "black", borderpad: 3 },
      ...legend(zero),
    ],
  }, config);
}

function legend(zero) {  // in the plane's corner: what the marks are
  const text = `★ initial state &nbsp; ● words &nbsp; <span style="color:${colours.modes[0]}">◯</span> chosen point, `
    + `with its slowest direction r₁${zero.x.length ? " &nbsp; ┄ readout = 0" : ""}`;
  return [{ xref: "paper", yref: "paper", x: 0.01, y: 0.995, xanchor: "left", yanchor: "top", text, showarrow: false,
            font: { size: 12 }, bgcolor: "rgba(255,255,255,0.85)" }];
}

// ---- the chosen point
function drawEigenvalues() {
  const values = data.spectra[state.point], circle = Array.from({ length: 361 }, (_, i) => i * Math.PI / 180);
  const modes = values.filter(value => value[1] >= 0).slice(0, colours.modes.length);
  const pairs = modes.map(([re, im]) => im ? [[re, im], [re, -im]] : [[re, im]]);
  const rest = values.slice(pairs.flat().length);
  const about = value => [shown(value[0], 5), value[1] ? `${value[1] > 0 ? " + " : ` ${MINUS} `}${shown(Math.abs(value[1]), 4)} i` : "",
                          shown(Math.hypot(...value), 5), tokens(timeConstant(value))];
  const hover = "λ = %{customdata[0]}%{customdata[1]}<br>|λ| = %{customdata[2]}<br>τ = %{customdata[3]}<extra>%{fullData.name}</extra>";
  const symbols = list => list.map(value => Math.hypot(...value) > 1 ? "diamond" : "circle");
  const marks = (name, list, marker) => ({ name, x: column(list, 0), y: column(list, 1), mode: "markers", customdata: list.map(about),
    hovertemplate: hover, marker: { symbol: symbols(list), line: { color: "white", width: 0.8 }, ...marker } });
  const limits = state.zoomed ? [[0.78, 1.03], [-0.125, 0.125]] : [[-1.12, 1.12], [-1.12, 1.12]];
  Plotly.react("eigenvalues", [
    { x: circle.map(Math.cos), y: circle.map(Math.sin), mode: "lines", line: { color: "#777", width: 1.3 }, hoverinfo: "skip",
      showlegend: false },
    marks("all others", rest, { size: 7, color: "#8C8C8C" }),
    ...pairs.map((list, i) => marks(`mode ${i + 1}: τ = ${tokens(timeConstant(list[0]))}`, list, { size: 12, color: colours.modes[i] })).reverse(),
  ], {
    ...layout, uirevision: String(state.zoomed), margin: { l: 58, r: 8, t: 4, b: 44 }, showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "reversed", font: { size: 12 } },
    xaxis: axis("real part", { range: limits[0], constrain: "domain" }),
    yaxis: axis("imaginary part", { range: limits[1], scaleanchor: "x", constrain: "domain" }),
  }, config);
}

function drawWords() {
  const pushes = data.word_projections[state.point], count = pushes.length / 2;
  const order = { positive: [...Array(count).keys()], negative: [...Array(count).keys()].map(i => 2 * count - 1 - i) };
  const reach = 1.95 * Math.max(...pushes.map(Math.abs)) || 1;
  Plotly.react("words", Object.entries(order).map(([name, places]) => ({
    type: "bar", orientation: "h", name, x: places.map(i => pushes[i]), y: places.map((_, rank) => rank),
    text: places.map(i => plotText(data.words[state.point][i])), textposition: "outside", cliponaxis: false,
    textfont: { size: 13 }, marker: { color: colours[name] },
    customdata: places.map(i => [signed(pushes[i]), signed(data.word_effects[state.point][i])]),
    hovertemplate: "<b>%{text}</b><br>push along slowest mode ℓ₁·J<sub>inp</sub>x = %{customdata[0]}"
      + "<br>linear effect on the readout w·J<sub>inp</sub>x = %{customdata[1]} (logit)<extra></extra>",
  })), {
    ...layout, barmode: "overlay", bargap: 0.28, margin: { l: 10, r: 10, t: 2, b: 46 },
    xaxis: axis("push along the slowest mode, ℓ₁·J<sub>inp</sub>(x − x*)", { range: [-reach, reach], nticks: 5 }),
    yaxis: { visible: false, autorange: "reversed" },
    shapes: [{ type: "line", x0: 0, x1: 0, yref: "paper", y0: 0, y1: 1, line: { color: "#444", width: 1 } }],
  }, config);
}

// runs of earlier versions have no relative speed
function slowness(row) {
  return data.relative_speed ? `relative speed ${shown(data.relative_speed[row], 2)}` : `q = ${shown(data.q[row], 2)}`;
}

function describePoint() {
  const row = data.chosen[state.point], top = data.spectra[state.point].find(value => value[1] >= 0);
  const overlap = `|r₁·m| = ${shown(data.overlap[state.point], 2)}`;
  element("point-status").textContent = `${SYMBOL} = ${shown(data.place[row])}, readout ${signed(data.logit[row])} (logit), `
    + `${slowness(row)}. Slowest mode: ${top[1] ? "a complex pair, a rotation, " : ""}τ = ${tokens(timeConstant(top))} `
    + `(it ${Math.hypot(...top) > 1 ? "grows" : "fades"}), overlap with the line ${overlap}.`;
  element("point").value = state.point;
}

// ---- the text
function drawText() {
  const { first, end } = documents[state.document], box = element("text");
  box.replaceChildren();
  for (let row = first; row < end; row++) {
    const span = document.createElement("span"), push = data.document_projections[row];
    span.textContent = data.document_words[row];
    span.style.background = colourOf(push);
    if (Math.abs(push) > 0.55 * strongest) span.style.color = push > 0 ? "white" : "black";
    span.title = `readout ${shown(before(row))} → ${shown(data.document_logit[row])}; push ${signed(push)}`;
    span.addEventListener("click", () => chooseWord(row - first));
    box.append(span, " ");
  }
  element("word").max = end - first - 1;
}

function describeWord() {
  const row = rowOf(), { length } = documents[state.document];
  element("word-status").textContent = `Word ${state.word + 1} of ${length}, “${data.document_words[row]}”: readout ${shown(before(row))} → `
    + `${shown(data.document_logit[row])} (logit). Linear, at the nearest point (${SYMBOL} = ${shown(data.place[data.chosen[data.document_nearest[row]]])}, `
    + `${shown(data.document_distances[row], 2)} spreads away): `
    + `push ℓ₁·Jx = ${signed(data.document_projections[row])}, effect on the readout ${signed(data.document_effects[row])}.`;
  element("word").value = state.word;
  const box = element("text");
  [...box.children].forEach((span, place) => {
    span.classList.toggle("now", place === state.word);
    span.classList.toggle("unread", place > state.word);
  });
  const now = box.children[state.word];
  if (now.offsetTop < box.scrollTop + box.offsetTop || now.offsetTop + now.offsetHeight > box.scrollTop + box.offsetTop + box.clientHeight)
    box.scrollTop = now.offsetTop - box.offsetTop - box.clientHeight / 2;
}

// ---- choices
const within = (value, count) => Math.max(0, Math.min(count - 1, value));
function choosePoint(point, { draw = true } = {}) {
  state.point = within(point, data.chosen.length);
  describePoint();
  drawEigenvalues();
  drawWords();
  if (draw) drawPlane();
}
function chooseWord(word) {
  state.word = within(word, documents[state.document].length);
  describeWord();
  if (element("follow").checked) choosePoint(data.document_nearest[rowOf()], { draw: false });
  drawPlane();
}
function chooseDocument(index) {
  state.document = within(index, documents.length);
  state.word = 0;
  element("document").value = state.document;
  drawText();
  chooseWord(documents[state.document].length - 1);
}

for (const each of documents) {
  const option = document.createElement("option"), opening = data.document_words.slice(each.first, each.first + 7).join(" ");
  option.value = each.index;
  option.textContent = `${each.index + 1}. ${each.label ? "positive" : "negative"}, ${each.right ? "read rightly" : "READ WRONGLY"} `
    + `(logit ${signed(each.logit)}), ${each.length} words: ${opening} …`;
  element("document").append(option);
}
element("key").style.background = `linear-gradient(90deg, ${colours.negative}, ${GREY}, ${colours.positive})`;
element("point").max = data.chosen.length - 1;
element("document").addEventListener("change", event => chooseDocument(Number(event.target.value)));
element("previous").addEventListener("click", () => chooseDocument(state.document - 1));
element("next").addEventListener("click", () => chooseDocument(state.document + 1));
element("word").addEventListener("input", event => chooseWord(Number(event.target.value)));
element("point").addEventListener("input", event => choosePoint(Number(event.target.value)));
element("follow").addEventListener("change", () => chooseWord(state.word));
element("zoom").addEventListener("click", event => {
  state.zoomed = !state.zoomed;
  event.target.textContent = state.zoomed ? "whole circle" : "zoom to 1";
  event.target.setAttribute("aria-pressed", state.zoomed);
  drawEigenvalues();
});
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select")) return;
  const actions = {
    ArrowLeft: () => chooseWord(state.word - 1), ArrowRight: () => chooseWord(state.word + 1),
    p: () => chooseDocument(state.document - 1), n: () => chooseDocument(state.document + 1),
    "[": () => choosePoint(state.point - 1), "]": () => choosePoint(state.point + 1),
  };
  const action = actions[event.key] ?? actions[event.key.toLowerCase()];
  if (action) { action(); event.preventDefault(); }
});

for (const id of ["plane", "eigenvalues", "words"])  // a panel grows with its neighbour's text
  new ResizeObserver(() => element(id).data && Plotly.Plots.resize(id)).observe(element(id));
state.point = Math.floor(data.chosen.length / 2);
chooseDocument(0);
choosePoint(state.point);
element("plane").on("plotly_click", event => {
  const hit = event.points.find(point => [DOCUMENT, POINTS].includes(point.data.name));
  if (!hit) return;
  if (hit.data.name === DOCUMENT) chooseWord(hit.pointNumber);
  else choosePoint(data.chosen.includes(hit.pointNumber) ? data.chosen.indexOf(hit.pointNumber) : nearestChosen(hit.pointNumber));
});
