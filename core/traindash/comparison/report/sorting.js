// Sorts every table of class "cx-sortable" by the column whose head is clicked; on the page and in the one-file report.
"use strict";
(() => {
  if (globalThis.cxSorting) return;
  globalThis.cxSorting = true;
  // As the page's language writes numbers: 1,234.5 or 1.234,5.
  const decimal = (1.5).toLocaleString(document.documentElement.lang || "en")[1];
  const plain = (text) => text.replace("−", "-").replaceAll(decimal === "," ? "." : ",", "").replace(decimal, ".");
  const number = (text) => (/^[−+-]?[\d.,]+/.test(text) ? Number.parseFloat(plain(text)) : null);
  const key = (row, column) => row.children[column].dataset.sort ?? row.children[column].textContent.trim();
  const sort = (head) => {
    const table = head.closest("table");
    const column = [...head.parentElement.cells].indexOf(head);
    const rising = head.getAttribute("aria-sort") === "descending";
    for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [first, second] = [key(a, column), key(b, column)];
      const [x, y] = [number(first), number(second)];
      if (x === null || y === null) return x === y ? first.localeCompare(second) * (rising ? -1 : 1) : x === null ? 1 : -1;
      return rising ? x - y : y - x;
    });
    table.tBodies[0].append(...rows);
  };
  const headOf = (event) => event.target.closest?.("table.cx-sortable > thead > tr:last-child > th");
  document.addEventListener("click", (event) => {
    const head = headOf(event);
    if (head) sort(head);
  });
  document.addEventListener("keydown", (event) => {
    const head = event.key === "Enter" || event.key === " " ? headOf(event) : null;
    if (!head) return;
    event.preventDefault();
    sort(head);
  });
})();
