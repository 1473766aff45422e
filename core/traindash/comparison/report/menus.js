// "Save as" on every chart and table of the report: PNG and SVG of what is drawn, CSV and JSON of what is behind it.
"use strict";
(() => {
  const { download, picture, savePng, saveSvg } = globalThis.reportSaving;
  const drawn = (card) => {
    const { colored, look, within } = globalThis.reportPanels;
    const panels = within(card).map((panel) => ({ ...panel, option: colored(panel.option) }));
    return picture(panels, card.querySelector("h3").firstChild.textContent, look());
  };

  // One record for every value that a chart draws, as comparison/exports.py gives them.
  const chartRecords = (card) =>
    globalThis.reportPanels.within(card).flatMap(({ title, x, y, option }) => {
      const place = title ? { panel: title } : {};
      const across = option.radar ? option.radar.indicator.map(({ name }) => name.replaceAll("\n", " ")) : option.xAxis.data;
      return option.series.flatMap(({ type, name, data }) => {
        if (type === "radar") return data.flatMap((line) => line.value.map((value, index) => ({ ...place, series: line.name, [x]: across[index], [y]: value })));
        if (type === "heatmap") return data.map(({ value: [column, row, share], label }) => ({ ...place, [y]: option.yAxis.data[row], [x]: across[column], value: label.formatter, share }));
        if (type === "line") return data.map(([at, value]) => ({ ...place, series: name, [x]: across ? across[at] : at, [y]: value }));
        return data.map((bar, index) => ({ ...place, series: name, [x]: across[index], [y]: bar?.value ?? null }));
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
    summary.textContent = _("Save as");
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
      PNG: () => savePng(drawn(card), card.id),
      SVG: () => saveSvg(drawn(card), card.id),
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
