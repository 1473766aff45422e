// Draws the panels of the report as SVG. Data are only ever used as text.
"use strict";
(() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const DASH = { solid: "", dash: "8 4", dot: "2 3", dashdot: "8 3 2 3", longdash: "14 4", longdashdot: "14 3 2 3" };
  const SHAPE = {
    circle: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    square: "M-4,-4h8v8h-8z",
    diamond: "M0,-5l5,5l-5,5l-5,-5z",
    "triangle-up": "M0,-5l5,9h-10z",
    cross: "M-2,-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    star: "M0,-6l1.7,4h4.3l-3.5,2.7l1.3,4.3l-3.8,-2.6l-3.8,2.6l1.3,-4.3l-3.5,-2.7h4.3z",
    "triangle-down": "M0,5l5,-9h-10z",
    x: "M-3,-5l3,3l3,-3l2,2l-3,3l3,3l-2,2l-3,-3l-3,3l-2,-2l3,-3l-3,-3z",
    pentagon: "M0,-5l5,3.7l-1.9,6h-6.2l-1.9,-6z",
    hexagon: "M-3,-4.5h6l3,4.5l-3,4.5h-6l-3,-4.5z",
  };

  const make = (name, attributes = {}, text) => {
    const node = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const tag = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const written = (value, axis) =>
    value === null || value === undefined
      ? "–"
      : axis.decimals === null
        ? Math.round(value).toLocaleString("en")
        : value.toFixed(axis.decimals).replace("-", "−");
  const cut = (text, letters) => (text.length > letters ? text.slice(0, letters - 1) + "…" : text);

  // Round numbers between two ends, about as many as wanted.
  const ticks = (low, high, wanted, whole) => {
    const raw = (high - low) / Math.max(1, wanted);
    const power = 10 ** Math.floor(Math.log10(raw || 1));
    let step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw - 1e-12) * power;
    if (whole) step = Math.max(1, Math.round(step));
    const found = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(value);
    return found;
  };
  const ends = (axis, values) => {
    const known = values.filter((value) => value !== null);
    let low = axis.low ?? Math.min(...known);
    let high = axis.high ?? Math.max(...known) * (axis.low === 0 ? 1.08 : 1);
    if (!(high > low)) high = low + 1;
    return [low, high];
  };
  const plain = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

  class Panel {
    constructor(figure, panel) {
      this.figure = figure;
      this.panel = panel;
      this.hidden = new Set();
      if (panel.title) figure.append(tag("figcaption", "", panel.title));
      if (panel.legend) figure.append(this.legend());
      this.canvas = tag("div");
      figure.append(this.canvas);
      this.tip = tag("div", "rp-tip");
      this.tip.hidden = true;
      figure.append(this.tip);
    }

    legend() {
      const list = tag("ul", "rp-legend");
      for (const mark of this.panel.marks.filter((item) => item.name && (item.color !== null || item.kind === "bars"))) {
        const button = tag("button");
        button.type = "button";
        button.setAttribute("aria-pressed", "true");
        button.append(this.swatch(mark), document.createTextNode(mark.name));
        button.addEventListener("click", () => {
          const gone = this.hidden.has(mark.name);
          gone ? this.hidden.delete(mark.name) : this.hidden.add(mark.name);
          button.setAttribute("aria-pressed", String(gone));
          this.draw();
        });
        const entry = tag("li");
        entry.append(button);
        list.append(entry);
      }
      return list;
    }

    swatch(mark) {
      const image = make("svg", { width: 28, height: 12, viewBox: "0 0 28 12", class: mark.color === null ? "rp-quiet" : `cx-c${mark.color}`, style: "width:28px", "aria-hidden": "true" });
      if (mark.kind === "bars") image.append(make("rect", { x: 6, y: 0, width: 16, height: 12, rx: 2, fill: "currentColor" }));
      else {
        image.append(make("line", { x1: 0, x2: 28, y1: 6, y2: 6, stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": DASH[mark.dash] }));
        image.append(make("path", { d: SHAPE[mark.marker], transform: "translate(14 6)", fill: "currentColor" }));
      }
      return image;
    }

    get marks() {
      return this.panel.marks.filter((mark) => !this.hidden.has(mark.name));
    }

    draw() {
      const width = Math.max(280, this.figure.clientWidth);
      const height = this.panel.square ? Math.min(460, width * 0.9) : 300;
      const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.panel.alt });
      const box = this.box(width, height);
      this.svg = svg;
      this.bounds = box;
      const kinds = new Set(this.panel.marks.map((mark) => mark.kind));
      kinds.has("cells") ? this.drawMatrix(svg, box) : kinds.has("radar") ? this.drawRadar(svg, width, height) : this.drawAxes(svg, box);
      this.canvas.replaceChildren(svg);
    }

    box(width, height) {
      const { x, y } = this.panel;
      const letters = y.categories.length ? Math.max(...y.categories.map((name) => Math.min(14, name.length))) : 5;
      const left = 28 + letters * 6.5;
      const room = (width - left - 12) / Math.max(1, x.categories.length);
      const longest = Math.max(0, ...x.categories.map((name) => name.length));
      const tilted = longest * 6.5 > room;
      return { left, top: 16, right: width - 12, bottom: height - (tilted ? 44 + Math.min(16, longest) * 3.6 : 42), tilted, width, height };
    }

    drawAxes(svg, box) {
      const { x, y } = this.panel;
      const values = this.marks.flatMap((mark) => (mark.kind === "bars" ? mark.values : mark.y));
      const [low, high] = ends(y, values.length ? values : [0, 1]);
      this.toY = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
      for (const value of ticks(low, high, 5, y.whole)) {
        const at = this.toY(value);
        svg.append(make("line", { x1: box.left, x2: box.right, y1: at, y2: at, class: "rp-grid" }));
        svg.append(make("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, plain(value)));
      }
      if (x.categories.length) {
        const step = (box.right - box.left) / x.categories.length;
        this.toX = (index) => box.left + (index + 0.5) * step;
        this.step = step;
        x.categories.forEach((name, index) => this.category(svg, box, name, this.toX(index)));
      } else {
        const all = this.marks.flatMap((mark) => mark.x ?? []);
        const [first, last] = ends({ low: x.low, high: x.high }, all.length ? all : [0, 1]);
        this.toX = (value) => box.left + ((value - first) / (last - first)) * (box.right - box.left);
        for (const value of ticks(first, last, box.width > 600 ? 10 : 5, x.whole)) {
          svg.append(make("text", { x: this.toX(value), y: box.bottom + 18, "text-anchor": "middle" }, plain(value)));
        }
      }
      svg.append(make("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "rp-axis" }));
      this.titles(svg, box);
      const bars = this.marks.filter((mark) => mark.kind === "bars");
      bars.forEach((mark, place) => this.bars(svg, box, mark, place, bars.length));
      for (const mark of this.marks.filter((item) => item.kind === "line")) this.line(svg, mark);
      this.guide = make("line", { y1: box.top, y2: box.bottom, class: "rp-guide", visibility: "hidden" });
      svg.append(this.guide);
      svg.addEventListener("pointermove", (event) => this.point(event));
      svg.addEventListener("pointerleave", () => this.leave());
    }

    category(svg, box, name, at) {
      const place = box.tilted
        ? { "text-anchor": "end", transform: `translate(${at + 4} ${box.bottom + 16}) rotate(-30)` }
        : { "text-anchor": "middle", transform: `translate(${at} ${box.bottom + 18})` };
      const text = make("text", place, cut(name, 18));
      text.append(make("title", {}, name));
      svg.append(text);
    }

    titles(svg, box) {
      const middle = (box.top + box.bottom) / 2;
      svg.append(make("text", { x: (box.left + box.right) / 2, y: box.height - 4, "text-anchor": "middle" }, this.panel.x.title));
      svg.append(make("text", { "text-anchor": "middle", transform: `translate(12 ${middle}) rotate(-90)` }, this.panel.y.title));
    }

    bars(svg, box, mark, place, count) {
      const group = Math.min(this.step * 0.8, 46 * count);
      const width = group / count;
      const many = count * mark.values.length > 30 || width < 24;
      const layer = make("g", { class: mark.color === null ? "rp-quiet" : `cx-c${mark.color}` });
      mark.values.forEach((value, index) => {
        if (value === null) return;
        const left = this.toX(index) - group / 2 + place * width;
        const top = this.toY(value);
        const bar = { x: left + 1, y: top, width: Math.max(1, width - 2), height: Math.max(0, box.bottom - top), rx: 2, fill: "currentColor" };
        if (mark.pattern) bar["fill-opacity"] = 0.55;
        layer.append(make("rect", bar));
        if (!many) layer.append(make("text", { x: left + width / 2, y: top - 4, "text-anchor": "middle", class: "rp-value" }, mark.texts[index]));
      });
      svg.append(layer);
    }

    line(svg, mark) {
      const layer = make("g", { class: mark.color === null ? "rp-quiet" : `cx-c${mark.color}` });
      let path = "";
      let open = false;
      mark.x.forEach((x, index) => {
        const y = mark.y[index];
        if (y === null) { open = false; return; }
        path += `${open ? "L" : "M"}${this.toX(x).toFixed(1)},${this.toY(y).toFixed(1)}`;
        open = true;
        if (mark.points) layer.append(make("path", { d: SHAPE[mark.marker], transform: `translate(${this.toX(x)} ${this.toY(y)}) scale(${mark.size / 8})`, fill: "currentColor" }));
      });
      layer.prepend(make("path", { d: path, fill: "none", stroke: "currentColor", "stroke-width": mark.color === null ? 1 : 2, "stroke-linejoin": "round", "stroke-dasharray": mark.color === null ? "4 4" : DASH[mark.dash] }));
      if (mark.best !== null && mark.y[mark.best] !== null) {
        const x = this.toX(mark.x[mark.best]);
        const y = this.toY(mark.y[mark.best]);
        layer.append(make("path", { d: SHAPE[mark.marker], transform: `translate(${x} ${y}) scale(${Math.max(1.4, mark.size / 8)})`, fill: "currentColor" }));
        layer.append(make("text", { x, y: y - 6 - Math.max(4, mark.size / 2), "text-anchor": "middle", class: "rp-mark" }, mark.bestText));
      }
      svg.append(layer);
    }

    // The nearest place on the horizontal axis, and what every mark has there.
    point(event) {
      const area = this.svg.getBoundingClientRect();
      const scale = this.bounds.width / area.width;
      const at = (event.clientX - area.left) * scale;
      const { x, y } = this.panel;
      const rows = [];
      let head;
      let place;
      if (x.categories.length) {
        const index = Math.max(0, Math.min(x.categories.length - 1, Math.floor((at - this.bounds.left) / this.step)));
        head = x.categories[index];
        place = this.toX(index);
        for (const mark of this.marks) rows.push([mark.name, mark.kind === "bars" ? (mark.values[index] === null ? "–" : mark.texts[index]) : written(mark.y[mark.x.indexOf(index)], y)]);
      } else {
        const distance = (value) => Math.abs(this.toX(value) - at);
        const all = this.marks.filter((mark) => mark.color !== null).flatMap((mark) => mark.x);
        if (!all.length) return;
        const nearest = all.reduce((best, value) => (distance(value) < distance(best) ? value : best));
        head = `${x.title} ${written(nearest, x)}`;
        place = this.toX(nearest);
        for (const mark of this.marks.filter((item) => item.color !== null)) {
          let own = 0;
          mark.x.forEach((value, index) => { if (Math.abs(value - nearest) < Math.abs(mark.x[own] - nearest)) own = index; });
          rows.push([mark.name, written(mark.y[own], y)]);
        }
      }
      this.guide.setAttribute("x1", place);
      this.guide.setAttribute("x2", place);
      this.guide.setAttribute("visibility", "visible");
      this.show(head, rows, place / scale);
    }

    show(head, rows, left) {
      this.tip.replaceChildren(tag("b", "", head));
      for (const [name, value] of rows) {
        const row = tag("div");
        row.append(tag("span", "", cut(name, 36)), tag("b", "", value));
        this.tip.append(row);
      }
      this.tip.hidden = false;
      const half = this.figure.clientWidth / 2;
      this.tip.style.left = left < half ? `${left + 12}px` : "";
      this.tip.style.right = left < half ? "" : `${this.figure.clientWidth - left + 12}px`;
      this.tip.style.top = `${this.canvas.offsetTop + 16}px`;
    }

    leave() {
      this.tip.hidden = true;
      this.guide?.setAttribute("visibility", "hidden");
    }

    drawRadar(svg, width, height) {
      const spokes = this.panel.x.categories;
      const [cx, cy, radius] = [width / 2, height / 2, Math.min(width / 2 - 90, height / 2 - 36)];
      const at = (index, share) => {
        const angle = (index / spokes.length) * 2 * Math.PI - Math.PI / 2;
        return [cx + Math.cos(angle) * radius * share, cy + Math.sin(angle) * radius * share];
      };
      const ring = (shares) => `M${shares.map((share, index) => at(index, share).map((v) => v.toFixed(1)).join()).join("L")}Z`;
      for (const share of [0.25, 0.5, 0.75, 1]) svg.append(make("path", { d: ring(spokes.map(() => share)), fill: "none", class: "rp-grid" }));
      spokes.forEach((name, index) => {
        const [x, y] = at(index, 1);
        svg.append(make("line", { x1: cx, y1: cy, x2: x, y2: y, class: "rp-grid" }));
        const [left, top] = at(index, 1.08);
        const side = Math.abs(left - cx) < 4 ? "middle" : left < cx ? "end" : "start";
        const text = make("text", { x: left, y: top + 4, "text-anchor": side }, cut(name, 20));
        text.append(make("title", {}, name));
        svg.append(text);
      });
      for (const mark of this.marks) {
        const layer = make("g", { class: `cx-c${mark.color}` });
        layer.append(make("path", { d: ring(mark.values), fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": DASH[mark.dash] }));
        mark.values.forEach((value, index) => {
          const point = make("path", { d: SHAPE[mark.marker], transform: `translate(${at(index, value).join()})`, fill: "currentColor" });
          point.append(make("title", {}, `${mark.name}: ${spokes[index]} ${mark.texts[index]}`));
          layer.append(point);
        });
        svg.append(layer);
      }
    }

    drawMatrix(svg, box) {
      const { x, y } = this.panel;
      const cells = this.panel.marks[0];
      const width = (box.right - box.left) / x.categories.length;
      const height = (box.bottom - box.top) / y.categories.length;
      x.categories.forEach((name, index) => this.category(svg, box, name, box.left + (index + 0.5) * width));
      y.categories.forEach((name, index) => {
        const text = make("text", { x: box.left - 8, y: box.top + (index + 0.5) * height + 4, "text-anchor": "end" }, cut(name, 14));
        text.append(make("title", {}, name));
        svg.append(text);
      });
      const darkest = cells.change ? Math.max(...cells.shades.flat().map(Math.abs)) || 1 : 1;
      cells.shades.forEach((shades, row) => shades.forEach((shade, column) => {
        const at = { x: box.left + column * width, y: box.top + row * height };
        const color = shade < 0 ? "var(--cx-fewer)" : "var(--cx-strong)";
        const depth = Math.abs(shade) / darkest;
        const fill = `color-mix(in oklab, ${color} ${Math.round(depth * 100)}%, var(--cx-pale))`;
        const cell = make("rect", { ...at, width: width - 1, height: height - 1, style: `fill:${fill}` });
        const share = cells.change ? `${shade > 0 ? "+" : ""}${(shade * 100).toFixed(1).replace("-", "−")} pt` : `${(shade * 100).toFixed(0)} %`;
        const words = cells.texts[row][column] ? `${cells.texts[row][column]} (${share} of the true class)` : `${share} of the true class`;
        cell.append(make("title", {}, `Predicted ${y.categories[row]}, true ${x.categories[column]}: ${words}`));
        svg.append(cell);
        if (cells.texts[row][column]) {
          const ink = depth > 0.6 ? "var(--cx-ground)" : "var(--td-ink)";
          svg.append(make("text", { x: at.x + width / 2, y: at.y + height / 2 + 4, "text-anchor": "middle", style: `fill:${ink};pointer-events:none` }, cells.texts[row][column]));
        }
      }));
      this.titles(svg, box);
    }
  }

  const source = document.getElementById("panels"); // none where only the class is wanted
  const PANELS = source ? JSON.parse(source.textContent) : [];
  const drawn = [...document.querySelectorAll("figure.rp-panel")].map((figure) => new Panel(figure, PANELS[Number(figure.dataset.panel)]));
  const drawAll = () => drawn.forEach((panel) => panel.draw());
  drawAll();
  let waiting = 0;
  addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(drawAll); });
  addEventListener("beforeprint", drawAll);

  // For the other scripts.
  globalThis.reportPanels = {
    make(figure, panel) {
      const made = new Panel(figure, panel);
      made.draw();
      return made;
    },
    within: (card) => drawn.filter((panel) => card.contains(panel.figure)),
    replace(place, panel) {
      const figure = tag("figure", "rp-panel");
      place.replaceChildren(figure);
      const made = new Panel(figure, panel);
      drawn.splice(0, drawn.length, ...drawn.filter((other) => other.figure.isConnected), made);
      made.draw();
    },
  };
})();
