// Charts as files: SVG as ECharts writes it, and PNG made from it by the browser. For the report and for the page.
"use strict";
(() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const node = (name, attributes, text) => {
    const made = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const download = (name, content, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // An option or theme with other colours; only what stands under a key for colours is one.
  const colored = (part, colors, key = "") => {
    if (typeof part === "string") return /color$/i.test(key) ? (colors[part] ?? part) : part;
    if (Array.isArray(part)) return part.map((one) => colored(one, colors, key));
    if (!part || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, colored(one, colors, name)]));
  };
  // Numbers beside the axes as the page's language writes them; English is what ECharts writes itself.
  const language = document.documentElement.lang || "en";
  const sign = (1.5).toLocaleString(language)[1]; // of decimals
  const spoken = (axis) => (language === "en" || axis?.type !== "value" ? axis : { ...axis, axisLabel: { ...axis.axisLabel, formatter: (value) => value.toLocaleString(language, { maximumFractionDigits: 6 }) } });
  // Streamlit reads the format of a number from a text, ECharts itself wants a function.
  const prepared = (drawn) => {
    const option = drawn.xAxis ? { ...drawn, xAxis: spoken(drawn.xAxis), yAxis: spoken(drawn.yAxis) } : drawn;
    const format = option.tooltip?.valueFormatter;
    if (!format) return option;
    const written = (value) => {
      if (Array.isArray(value)) return value.map(written).join(", ");
      if (typeof value !== "number" || !Number.isFinite(value)) return "–";
      return format === "%,d" ? Math.round(value).toLocaleString(language) : value.toFixed(Number(format.slice(2, -1))).replace("-", "−").replace(".", sign);
    };
    return { ...option, tooltip: { ...option.tooltip, valueFormatter: written } };
  };
  const heightOf = (panel) => (panel.tall ? 420 : 340);

  // Panels below each other with a title, and with the names of the marks where no panel has a legend of its own.
  const picture = (panels, title, look) => {
    const [ground, ink] = [look.tooltip.backgroundColor, look.tooltip.textStyle.color];
    const width = panels.length > 1 ? 560 : 760;
    const page = node("svg", { xmlns: SPACE });
    const write = (x, y, text, size, weight = 400) =>
      page.append(node("text", { x, y, fill: ink, "font-family": look.textStyle.fontFamily, "font-size": size, "font-weight": weight }, text));
    write(16, 30, title, 16, 600);
    let y = 52;
    const names = new Map(panels.flatMap(({ option }) => (option.legend && !option.legend.show ? option.series : [])).filter(({ name, symbol }) => name && symbol !== "none").map((mark) => [mark.name, mark.itemStyle.color]));
    for (const [name, fill] of names) {
      page.append(node("rect", { x: 16, y: y - 9, width: 18, height: 10, rx: 2, fill }));
      write(42, y, name, 12);
      y += 18;
    }
    for (const panel of panels) {
      if (panel.title) write(16, (y += 18), panel.title, 13, 600);
      const height = heightOf(panel);
      const chart = echarts.init(null, look, { renderer: "svg", ssr: true, width, height });
      chart.setOption(prepared(panel.option));
      const drawing = document.importNode(new DOMParser().parseFromString(chart.renderToSVGString(), "image/svg+xml").documentElement, true);
      chart.dispose();
      for (const [key, value] of Object.entries({ x: 16, y: y + 4, width, height })) drawing.setAttribute(key, value);
      page.append(drawing);
      y += height + 12;
    }
    const [across, down] = [width + 32, y + 12];
    page.prepend(node("rect", { width: across, height: down, fill: ground }));
    for (const [key, value] of Object.entries({ width: across, height: down, viewBox: `0 0 ${across} ${down}` })) page.setAttribute(key, value);
    return { text: new XMLSerializer().serializeToString(page), width: across, height: down };
  };
  const savePng = ({ text, width, height }, name) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width * 2, height * 2];
      const pen = canvas.getContext("2d");
      pen.scale(2, 2);
      pen.drawImage(image, 0, 0, width, height);
      canvas.toBlob((blob) => download(`${name}.png`, blob));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  };
  const saveSvg = ({ text }, name) => download(`${name}.svg`, text, "image/svg+xml");
  globalThis.reportSaving = { colored, download, heightOf, picture, prepared, savePng, saveSvg };
})();
