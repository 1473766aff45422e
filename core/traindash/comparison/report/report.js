// Draws the charts of the report with Apache ECharts, from the options that the page draws with. Data are only ever text.
"use strict";
(() => {
  const { panels, look, dark } = JSON.parse(document.getElementById("panels").textContent);
  const { colored, prepared, heightOf } = globalThis.reportSaving;
  const night = matchMedia("(prefers-color-scheme: dark)");
  // Pixels of a chart on A4, before report.css makes it smaller: in parts of the width of a page, and in the whole.
  const [THIRD, HALF, FIRST, WHOLE] = [252, 376, 340, 800];
  const [FLAT, LOW, TALL] = [230, 270, 390]; // heights
  const FEW = 2; // panels that stand beside each other in halves
  const MANY = 12; // classes whose names need the whole width
  let printing = false;
  const theme = () => colored(look, night.matches && !printing ? dark : {});
  const tag = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  class Panel {
    constructor(figure, panel) {
      this.figure = figure;
      this.panel = panel;
      if (panel.title) figure.append(tag("figcaption", "", panel.title));
      this.canvas = tag("div", "rp-canvas");
      this.canvas.style.height = `${heightOf(panel)}px`; // its room is kept until it is seen
      figure.append(this.canvas);
      seen.observe(this.canvas);
      sized.observe(this.canvas);
      drawn.set(this.canvas, this);
    }

    draw() {
      seen.unobserve(this.canvas);
      this.chart ??= echarts.init(this.canvas, theme(), { renderer: "svg" });
      this.chart.setOption(prepared(colored(this.panel.option, night.matches && !printing ? dark : {})), { notMerge: true });
    }

    // How large it is on paper: its place there cannot be measured while the screen is what is laid out.
    print() {
      const place = this.figure.parentElement;
      const thirds = place.children.length > FEW && !this.panel.tall && this.panel.option.xAxis?.type === "value";
      const whole = this.panel.option.xAxis?.data?.length > MANY;
      place.classList.toggle("rp-thirds", thirds);
      place.classList.toggle("rp-whole", whole);
      const alone = this.figure.closest(".rp-first-chart") ? FIRST : this.figure.closest(".rp-half") ? HALF : WHOLE;
      const width = thirds ? THIRD : this.figure.matches(":only-child") ? alone : whole ? WHOLE : HALF;
      const height = this.panel.tall ? TALL : thirds ? FLAT : LOW;
      this.canvas.style.height = `${height}px`;
      this.draw();
      this.chart.resize({ width, height });
      this.recolor();
    }

    leavePaper() {
      this.canvas.style.height = `${heightOf(this.panel)}px`;
      this.chart.resize({ width: "auto", height: "auto" });
      this.recolor();
    }

    recolor() {
      if (!this.chart) return;
      this.chart.setTheme(theme());
      this.draw();
    }
  }

  const drawn = new Map();
  const all = () => [...drawn.values()];
  // A report of many experiments has a hundred charts: each is drawn when it comes near.
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && drawn.get(entry.target)?.draw()), { rootMargin: "800px" });
  const sized = new ResizeObserver((entries) => entries.forEach(({ target }) => !printing && drawn.get(target)?.chart?.resize()));
  for (const figure of document.querySelectorAll("figure.rp-panel")) new Panel(figure, panels[Number(figure.dataset.panel)]);
  night.addEventListener("change", () => all().forEach((panel) => panel.recolor()));
  // What is folded on a screen is printed too.
  const folded = () => document.querySelectorAll("details:not(.rp-save)");
  const open = new Map();
  addEventListener("beforeprint", () => {
    printing = true;
    for (const part of folded()) {
      open.set(part, part.open);
      part.open = true;
    }
    for (const panel of all()) panel.print();
  });
  addEventListener("afterprint", () => {
    printing = false;
    for (const part of folded()) part.open = open.get(part) ?? part.open;
    for (const panel of all()) panel.leavePaper();
  });

  // For the other scripts.
  globalThis.reportPanels = {
    look: theme,
    colored: (option) => colored(option, night.matches ? dark : {}),
    within: (card) => all().filter((panel) => card.contains(panel.figure)).map(({ panel }) => panel),
    replace(place, panel) {
      for (const old of all().filter((one) => place.contains(one.figure))) {
        old.chart?.dispose();
        drawn.delete(old.canvas);
      }
      const figure = tag("figure", "rp-panel");
      place.replaceChildren(figure);
      new Panel(figure, panel).draw();
    },
  };
})();
