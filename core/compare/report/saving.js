// "Save as" on every chart and table of the report: PNG and SVG of what is drawn, CSV and JSON of what is behind it.
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
  const picture = (card) => {
    const panels = globalThis.reportPanels.within(card);
    const ink = getComputedStyle(document.body).color;
    const font = getComputedStyle(document.body).fontFamily;
    const width = Math.max(...panels.map((panel) => panel.bounds?.width ?? 480)) + 32;
    const page = node("svg", { xmlns: SPACE });
    page.append(node("text", { x: 16, y: 30, fill: ink, "font-family": font, "font-size": 16, "font-weight": 600 }, card.querySelector("h3").firstChild.textContent));
    let y = 48;
    const names = new Map(panels.flatMap((panel) => panel.marks).filter((mark) => mark.name && mark.color !== null).map((mark) => [mark.name, mark.color]));
    for (const [name, color] of names) {
      const probe = document.createElement("i");
      probe.className = `cx-c${color}`;
      card.append(probe);
      const paint = getComputedStyle(probe).color;
      probe.remove();
      page.append(node("rect", { x: 16, y: y - 9, width: 18, height: 10, rx: 2, fill: paint }));
      page.append(node("text", { x: 42, y, fill: ink, "font-family": font, "font-size": 12 }, name));
      y += 18;
    }
    for (const panel of panels) {
      if (panel.panel.title) page.append(node("text", { x: 16, y: (y += 18), fill: ink, "font-family": font, "font-size": 13, "font-weight": 600 }, panel.panel.title));
      const copy = standalone(panel.svg);
      const [, , across, down] = panel.svg.getAttribute("viewBox").split(" ").map(Number);
      for (const [key, value] of Object.entries({ x: 16, y: y + 4, width: across, height: down })) copy.setAttribute(key, value);
      page.append(copy);
      y += down + 12;
    }
    page.prepend(node("rect", { width, height: y + 12, fill: getComputedStyle(document.body).backgroundColor }));
    for (const [key, value] of Object.entries({ width, height: y + 12, viewBox: `0 0 ${width} ${y + 12}` })) page.setAttribute(key, value);
    return { text: new XMLSerializer().serializeToString(page), width, height: y + 12 };
  };
  const savePng = (card) => {
    const { text, width, height } = picture(card);
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width * 2, height * 2];
      const pen = canvas.getContext("2d");
      pen.scale(2, 2);
      pen.drawImage(image, 0, 0, width, height);
      canvas.toBlob((blob) => download(`${card.id}.png`, blob));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  };

  // One record for every value that a chart draws, as core/compare/exports/records.py gives them.
  const chartRecords = (card) =>
    globalThis.reportPanels.within(card).flatMap(({ panel }) => {
      const { x, y, title } = panel;
      const place = title ? { panel: title } : {};
      return panel.marks.flatMap((mark) => {
        if (mark.kind === "cells") {
          return mark.shades.flatMap((shades, row) =>
            shades.map((share, column) => ({ ...place, [y.title]: y.categories[row], [x.title]: x.categories[column], value: mark.texts[row][column], share })));
        }
        if (mark.kind === "line") return mark.x.map((at, index) => ({ ...place, series: mark.name, [x.title]: x.categories.length ? x.categories[at] : at, [y.title]: mark.y[index] }));
        return mark.values.map((value, index) => ({ ...place, series: mark.name, [x.title]: x.categories[index], [y.title]: value }));
      });
    });
  const tableRecords = (table) => {
    const heads = [...table.tHead.rows].at(-1);
    const groups = table.tHead.rows.length > 1 ? [...table.tHead.rows[0].cells].flatMap((cell) => Array(cell.colSpan).fill(cell.innerText.trim())) : [];
    const names = [...heads.cells].map((cell, index) => [groups[index], cell.innerText.trim()].filter(Boolean).join(" "));
    return [...table.tBodies[0].rows].map((row) => Object.fromEntries([...row.cells].map((cell, index) => [names[index] || `column ${index + 1}`, cell.innerText.trim()])));
  };
  const csv = (records) => {
    const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
    const cell = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return `\ufeff${[columns, ...records.map((record) => columns.map((name) => record[name]))].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
  };

  const menu = (place, formats) => {
    const details = document.createElement("details");
    details.className = "rp-save";
    const summary = document.createElement("summary");
    summary.textContent = "Save as";
    const list = document.createElement("div");
    for (const [name, save] of Object.entries(formats)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => { details.open = false; save(); });
      list.append(button);
    }
    details.append(summary, list);
    place.prepend(details);
  };
  for (const card of document.querySelectorAll(".rp-chart")) {
    if (!globalThis.reportPanels.within(card).length) continue;
    menu(card, {
      PNG: () => savePng(card),
      SVG: () => download(`${card.id}.svg`, picture(card).text, "image/svg+xml"),
      CSV: () => download(`${card.id}.csv`, csv(chartRecords(card)), "text/csv"),
      JSON: () => download(`${card.id}.json`, JSON.stringify(chartRecords(card), null, 1), "application/json"),
    });
  }
  document.querySelectorAll("table.cx-table").forEach((table, index) => {
    const place = document.createElement("div");
    place.className = "rp-over-table";
    table.closest(".cx-scroll").before(place);
    const name = `${table.closest("section")?.id ?? "table"}-${index + 1}`;
    menu(place, {
      CSV: () => download(`${name}.csv`, csv(tableRecords(table)), "text/csv"),
      JSON: () => download(`${name}.json`, JSON.stringify(tableRecords(table), null, 1), "application/json"),
    });
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".rp-save[open]")) if (!open.contains(event.target)) open.open = false;
  });
})();
