// Pictures of what is drawn, as files: SVG, and PNG made from it. For the report's own menus and for the page's.
"use strict";
(() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "font-size", "font-weight", "font-family", "visibility"];
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

  // A drawing with the styles of the page written into it, since a file has no style sheet.
  const standalone = (svg) => {
    const copy = svg.cloneNode(true);
    const originals = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((part, index) => {
      const style = getComputedStyle(originals[index]);
      for (const name of KEPT) if (style.getPropertyValue(name)) part.setAttribute(name, style.getPropertyValue(name));
      part.removeAttribute("class");
      part.removeAttribute("style");
    });
    return copy;
  };
  // What is drawn, with its title and the names of the marks, as one picture. `home` gives fonts and colours.
  const picture = (panels, title, home) => {
    const { color: ink, fontFamily: font, backgroundColor: ground } = getComputedStyle(home);
    const width = Math.max(...panels.map((panel) => panel.bounds?.width ?? 480)) + 32;
    const page = node("svg", { xmlns: SPACE });
    const write = (at, y, text, size, weight = 400) => page.append(node("text", { x: at, y, fill: ink, "font-family": font, "font-size": size, "font-weight": weight }, text));
    write(16, 30, title, 16, 600);
    let y = 52;
    const names = new Map(panels.flatMap((panel) => panel.marks).filter((mark) => mark.name && mark.color !== null).map((mark) => [mark.name, mark.color]));
    for (const [name, color] of names) {
      const probe = document.createElement("i");
      probe.className = `cx-c${color}`;
      home.append(probe);
      page.append(node("rect", { x: 16, y: y - 9, width: 18, height: 10, rx: 2, fill: getComputedStyle(probe).color }));
      probe.remove();
      write(42, y, name, 12);
      y += 18;
    }
    for (const panel of panels) {
      if (panel.panel.title) write(16, (y += 18), panel.panel.title, 13, 600);
      const copy = standalone(panel.svg);
      const [, , across, down] = panel.svg.getAttribute("viewBox").split(" ").map(Number);
      for (const [key, value] of Object.entries({ x: 16, y: y + 4, width: across, height: down })) copy.setAttribute(key, value);
      page.append(copy);
      y += down + 12;
    }
    page.prepend(node("rect", { width, height: y + 12, fill: ground }));
    for (const [key, value] of Object.entries({ width, height: y + 12, viewBox: `0 0 ${width} ${y + 12}` })) page.setAttribute(key, value);
    return { text: new XMLSerializer().serializeToString(page), width, height: y + 12 };
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
  globalThis.reportSaving = { download, picture, savePng, saveSvg };
})();
