// The explorer: what each learner does in the synthetic model, drawn at once. No network; `table` is explorer.json.
"use strict";

const makeExplorer = (table) => {
  const CAPTIONS = ["latent", "label", "label-attribute"];
  const PROMPTS = ["label", "class-mean", "best"];
  const GROUPS = ["aligned", "conflicting", "in_distribution", "uniform"];
  // Name, colour and dashes of each learner's line. Okabe and Ito's colours.
  const LEARNERS = {
    linearized: ["linearised loss (the paper's)", "#d55e00", ""],
    infonce_bilinear: ["InfoNCE, inner products", "#0072b2", ""],
    siglip: ["sigmoid loss, inner products", "#009e73", ".35 .12"],
    supcon_bilinear: ["SupCon, inner products", "#cc79a7", ".12 .12"],
    least_squares: ["least squares", "#e69f00", ".5 .15"],
    logistic: ["logistic regression", "#56b4e9", ".5 .12 .12 .12"],
    bayes: ["Bayes classifier", "#8a8a8a", ".06 .12"],
  };
  const SLIDERS = {
    spurious_ratio: "spurious ratio",
    mu_inv: "size of the invariant feature",
    mu_spu: "size of the spurious feature",
    sigma_inv: "deviation of the invariant feature",
    sigma_spu: "deviation of the spurious feature",
  };

  // S4 needs the normal distribution. Abramowitz and Stegun (1964), 7.1.26: error below two in ten million.
  const normal = (x) => {
    const z = Math.abs(x) / Math.SQRT2, t = 1 / (1 + 0.3275911 * z);
    const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return x < 0 ? 0.5 * tail * Math.exp(-z * z) : 1 - 0.5 * tail * Math.exp(-z * z);
  };
  // The five axes of a series, as theory/critic_series.py places them.
  const TO_AXIS = [(ratio) => Math.atanh(2 * ratio - 1), Math.log, Math.asinh, (s) => Math.log1p(-s), (s) => Math.log1p(-s)];
  const AXES = ["spurious_ratio", "invariant_distance", "spurious_distance", "invariant_share", "spurious_share"];
  const ends = AXES.map((name, axis) => table.ranges[name].map(TO_AXIS[axis]));

  const series = new Map(table.series.map((each) => [
    `${each.learner} ${each.caption}`,
    { ...each, degrees: each.degrees.split(" ").map((word) => [...word].map((digit) => parseInt(digit, 36))) },
  ]));
  // What a series gives, by entry: sums of products of Chebyshev polynomials.
  const ratios = (learner, caption, units) => {
    const { degrees, coefficients, entries } = series.get(`${learner} ${caption}`);
    const powers = degrees[0].map((_, axis) => {
      const [first, last] = ends[axis];
      const x = Math.min(1, Math.max(-1, 2 * (TO_AXIS[axis](units[axis]) - first) / (last - first) - 1));
      const values = [1, x];
      for (let degree = 2; degree < 36; degree++) values.push(2 * x * values[degree - 1] - values[degree - 2]);
      return values;
    });
    const sums = entries.map(() => 0);
    degrees.forEach((term, place) => {
      const product = term.reduce((product, degree, axis) => product * powers[axis][degree], 1);
      coefficients.forEach((column, entry) => { sums[entry] += product * column[place]; });
    });
    return Object.fromEntries(entries.map((entry, place) => [entry, sums[place]]));
  };

  // Everything in units of the image's deviation within a group: distances d, agreement r, shares rho.
  const inUnits = (model) => {
    const noise = table.noise ** 2;
    const v = [model.sigma_inv ** 2 + noise, model.sigma_spu ** 2 + noise];
    const d = [model.mu_inv / Math.sqrt(v[0]), model.mu_spu / Math.sqrt(v[1])];
    const shares = [1 - noise / v[0], 1 - noise / v[1]];
    return { v, d, r: 2 * model.spurious_ratio - 1, shares, list: [model.spurious_ratio, ...d, ...shares] };
  };

  // The critic B' of a contrastive learner, up to a factor, row by row.
  const critic = (learner, caption, model, units) => {
    const { d, r, shares, v } = units;
    if (learner === "linearized") { // S1 and S12: the covariance; in these units times the variances
      if (caption === "latent") {
        const across = v[0] * v[1] * r * d[0] * d[1];
        return [[v[0] ** 2 * (d[0] ** 2 + shares[0]), across], [across, v[1] ** 2 * (d[1] ** 2 + shares[1])]];
      }
      const said = caption === "label" ? 0 : 1;
      return [[v[0] * d[0], said * r * v[0] * d[0]], [r * v[1] * d[1], said * v[1] * d[1]]];
    }
    const ofWords = learner === "supcon_bilinear" && caption !== "latent"; // S26: InfoNCE's of the class alone
    const found = ofWords ? ratios("infonce_bilinear", "label", units.list) : ratios(learner, caption, units.list);
    const other = caption === "latent" ? found["12"] : found["21"];
    return [[1, found["12"] ?? 0], [other, found["22"] ?? 0]];
  };

  // Direction in those units, or null where the learner decides nothing.
  const direction = (learner, caption, prompt, model, units) => {
    const { d, r } = units;
    if (learner === "least_squares") {
      const c = r * d[0] * d[1];
      return [d[0] * (d[1] ** 2 + 1) - c * r * d[1], r * d[1] * (d[0] ** 2 + 1) - c * d[0]];
    }
    if (learner === "logistic") return [1, ratios("logistic", null, units.list)["2"]];
    const oneColumn = caption === "label" || (learner === "supcon_bilinear" && caption !== "latent");
    if (prompt === "best") return oneColumn || (caption !== "latent" && d[1] === 0) ? null : [1, 0];
    const q = prompt === "label" ? [1, 0] : caption === "latent" ? [d[0], r * d[1]] : [1, r];
    const B = critic(learner, caption, model, units);
    return B.map((row) => row[0] * q[0] + row[1] * q[1]);
  };

  // S10: half the log-odds of the background, at a place in units of its deviation.
  const evidence = (units, place) => {
    const b = units.d[1] * place, p = (1 + units.r) / 2;
    return 0.5 * Math.log((p * Math.exp(b) + (1 - p) * Math.exp(-b)) / ((1 - p) * Math.exp(b) + p * Math.exp(-b)));
  };
  const bayes = (units, attribute) => {
    let sum = 0, total = 0;
    for (let node = -8.5; node <= 8.5; node += 0.05) {
      const weight = Math.exp(-0.5 * node * node);
      total += weight;
      sum += weight * normal(units.d[0] + evidence(units, attribute * units.d[1] + node) / units.d[0]);
    }
    return sum / total;
  };

  // The accuracies of a learner by group (S4, and S10 for Bayes), with the direction in image coordinates.
  const predict = (learner, caption, prompt, model) => {
    const units = inUnits(model);
    let accuracy, line = null;
    if (learner === "bayes") accuracy = [bayes(units, 1), bayes(units, -1)];
    else {
      const w = direction(learner, caption, prompt, model, units);
      if (!w) return null;
      const size = Math.hypot(...w), sizes = [w[0] * units.d[0], w[1] * units.d[1]];
      accuracy = [normal((sizes[0] + sizes[1]) / size), normal((sizes[0] - sizes[1]) / size)];
      line = w.map((weight, feature) => weight / Math.sqrt(units.v[feature]));
    }
    const mixed = (share) => share * accuracy[0] + (1 - share) * accuracy[1];
    const all = [...accuracy, mixed(model.spurious_ratio), mixed(0.5)];
    return { accuracy: Object.fromEntries(GROUPS.map((group, place) => [group, all[place]])), line };
  };

  // Sizes in pixels and in the width of the explorer itself: pages differ in what a rem is, and in their columns.
  const STYLE = `
.explorer { container-type: inline-size; font-size: 15px; line-height: 1.4; }
.explorer .parts { display: grid; gap: 16px 32px; grid-template-columns: minmax(0, 1fr); }
.explorer label { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 8px; }
.explorer input[type=range] { grid-column: 1 / -1; width: 100%; height: 44px; margin: 0; }
.explorer select, .explorer button { font: inherit; min-height: 44px; max-width: 100%; color: inherit; background: transparent; border: 1px solid currentColor; border-radius: 5px; padding: 0 10px; }
.explorer option { color: #000; background: #fff; }
.explorer .choice { align-items: center; margin: 5px 0; }
.explorer .picture { display: block; width: 100%; max-width: 544px; height: auto; order: -1; }
.explorer svg text { fill: currentColor; font-size: .36px; paint-order: stroke; stroke: var(--md-default-bg-color, var(--ground, Canvas)); stroke-width: .12px; stroke-linejoin: round; }
.explorer table { display: table; border-collapse: collapse; width: 100%; max-width: 736px; font-size: inherit; }
.explorer thead { display: table-header-group; } .explorer tbody { display: table-row-group; }
.explorer tr { display: table-row; border: 0; background: none; } .explorer thead th, .explorer tbody th, .explorer td { display: table-cell; padding: 3px 5px; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); white-space: normal; min-width: 0; vertical-align: middle; font-size: inherit; }
.explorer td::before, .explorer tbody th::before { content: none; }
.explorer td, .explorer thead th + th { text-align: right; font-variant-numeric: tabular-nums; }
.explorer thead th { font-weight: 700; } .explorer thead th:first-child { text-align: left; }
.explorer tbody th { font-weight: 400; text-align: left; }
.explorer tbody label { display: flex; gap: 8px; align-items: center; min-height: 35px; }
.explorer tbody svg { flex: none; width: 32px; height: 13px; }
.explorer tbody input { flex: none; width: 19px; height: 19px; margin: 0; }
@container (min-width: 620px) {
  .explorer .parts { grid-template-columns: minmax(0, 5fr) minmax(0, 8fr); } .explorer table { grid-column: 1 / -1; }
  .explorer .picture { order: 0; }
}
@container (max-width: 559px) {
  .explorer table, .explorer thead, .explorer tbody { display: block; } .explorer thead { position: static; }
  .explorer tr { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); align-items: end; border: 0; padding: 0; margin: 0; background: none; }
  .explorer tr th:first-child { grid-column: 1 / -1; border: 0; }
  .explorer thead th { font-size: 13px; overflow-wrap: normal; padding-inline: 0; }
  .explorer thead th + th { padding-left: 6px; }
}`;

  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  const EDGE = 5.5; // of the picture, in the features' units
  // The clouds of the two classes: dark where the background agrees, pale where it contradicts. Rings at one and two
  // deviations.
  const clouds = (model, units) => {
    const drawn = [];
    for (const [y, colour] of [[1, "#0072b2"], [-1, "#d55e00"]])
      for (const agrees of [1, -1])
        for (const ring of [2, 1]) {
          const share = agrees > 0 ? model.spurious_ratio : 1 - model.spurious_ratio;
          drawn.push(draw("ellipse", {
            cx: y * model.mu_inv, cy: -y * agrees * model.mu_spu, fill: colour, stroke: colour,
            rx: ring * Math.sqrt(units.v[0]), ry: ring * Math.sqrt(units.v[1]),
            "fill-opacity": 0.05 + 0.27 * share, "stroke-opacity": 0.25 + 0.5 * share, "stroke-width": 0.03,
          }));
        }
    return drawn;
  };
  const boundary = (learner, found, units) => {
    const [, colour, dashes] = LEARNERS[learner];
    const style = { stroke: colour, "stroke-width": 0.09, "stroke-dasharray": dashes, fill: "none" };
    if (found.line) {
      const reach = (2 * EDGE) / Math.hypot(...found.line), [a, b] = found.line.map((weight) => weight * reach);
      return draw("path", { ...style, d: `M ${-b} ${-a} L ${b} ${a}` });
    }
    const points = [];
    for (let place = -EDGE; place <= EDGE; place += 0.1) {
      const b = evidence(units, place / Math.sqrt(units.v[1]));
      points.push(`${(-b / units.d[0]) * Math.sqrt(units.v[0])},${-place}`);
    }
    return draw("polyline", { ...style, points: points.join(" ") });
  };

  const mount = (root) => {
    root.classList.add("explorer");
    const model = {}, shown = {}, cells = {};
    const controls = make("div"), picture = draw("svg", { viewBox: `${-EDGE} ${-EDGE} ${2 * EDGE} ${2 * EDGE}`, role: "img", class: "picture" });
    const inputs = {};
    for (const [name, words] of Object.entries(SLIDERS)) {
      const [least, most, start] = table.sliders[name];
      const output = make("output"), input = make("input", { type: "range", name, min: least, max: most, step: 0.01 });
      inputs[name] = { input, output, start };
      controls.append(make("label", {}, words, output, input));
    }
    const select = (name, words, options) => {
      const input = make("select", { name }, ...options.map((option) => make("option", {}, option)));
      controls.append(make("label", { class: "choice" }, words, input));
      return input;
    };
    const caption = select("caption", "captions", CAPTIONS), prompt = select("prompt", "prompt", PROMPTS);
    const again = make("button", { type: "button" }, "Start again");
    controls.append(again);
    const rows = Object.entries(LEARNERS).map(([learner, [words, colour, dashes]]) => {
      const box = make("input", { type: "checkbox", name: learner });
      box.checked = ["linearized", "infonce_bilinear", "logistic"].includes(learner);
      shown[learner] = box;
      box.addEventListener("change", update);
      const stroke = { x1: 0, x2: 2, y1: 0.4, y2: 0.4, stroke: colour, "stroke-width": 0.16, "stroke-dasharray": dashes };
      const sample = draw("svg", { viewBox: "0 0 2 .8", "aria-hidden": "true" }, draw("line", stroke));
      cells[learner] = GROUPS.map(() => make("td"));
      return make("tr", {}, make("th", { scope: "row" }, make("label", {}, box, sample, words)), ...cells[learner]);
    });
    const headings = ["line, learner", "aligned", "conflicting", "as in training", "half and half"];
    const heads = headings.map((words) => make("th", { scope: "col" }, words));
    // With a class of its own the table is not put into another box by MkDocs' theme.
    const accuracies = make("table", { class: "accuracies", "aria-label": "accuracy in each group, in %" },
      make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
    root.append(make("style", {}, STYLE), make("div", { class: "parts" }, controls, picture, accuracies));

    function update() {
      for (const [name, { input, output }] of Object.entries(inputs)) {
        model[name] = Number(input.value);
        output.textContent = model[name].toFixed(2);
      }
      const units = inUnits(model), lines = [];
      for (const learner of Object.keys(LEARNERS)) {
        const found = predict(learner, caption.value, prompt.value, model);
        GROUPS.forEach((group, place) => {
          cells[learner][place].textContent = found ? (100 * found.accuracy[group]).toFixed(1) : "–";
        });
        if (found && shown[learner].checked) lines.push(boundary(learner, found, units));
      }
      const axis = { stroke: "currentColor", "stroke-width": 0.02, "stroke-opacity": 0.6 };
      picture.setAttribute("aria-label", "Images of the two classes as clouds over invariant and spurious feature, with each chosen learner's decision line");
      picture.replaceChildren(
        draw("line", { ...axis, x1: -EDGE, x2: EDGE, y1: 0, y2: 0 }), draw("line", { ...axis, y1: -EDGE, y2: EDGE, x1: 0, x2: 0 }),
        ...clouds(model, units), ...lines,
        draw("text", { x: EDGE - 0.1, y: -0.15, "text-anchor": "end" }, "invariant feature"),
        draw("text", { x: 0.15, y: -EDGE + 0.4 }, "spurious feature"),
        draw("text", { x: model.mu_inv, y: -model.mu_spu, "text-anchor": "middle" }, "class +"),
        draw("text", { x: -model.mu_inv, y: model.mu_spu, "text-anchor": "middle" }, "class −"));
    }
    const reset = () => {
      for (const { input, start } of Object.values(inputs)) input.value = start;
      caption.selectedIndex = prompt.selectedIndex = 0;
      update();
    };
    for (const { input } of Object.values(inputs)) input.addEventListener("input", update);
    for (const input of [caption, prompt]) input.addEventListener("change", update);
    again.addEventListener("click", reset);
    reset();
  };
  return { mount, predict };
};
