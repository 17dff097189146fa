"use strict";
(() => {
  const number = new Intl.Collator(undefined, { numeric: true });

  function sortKey(row, column) {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return cell.dataset.value === "" ? null : Number(cell.dataset.value);
    return cell.textContent.trim();
  }

  function sort(table, column, header) {
    const rising = header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [sortKey(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === "number" && typeof b === "number" ? a - b : number.compare(a, b);
      return rising ? order : -order;
    });
    body.append(...rows.map(([, row]) => row));
  }

  function sortable(table) {
    const heads = table.tHead.rows[table.tHead.rows.length - 1].cells;
    Array.from(heads).forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, column, header));
    });
  }

  function filterable(table) {
    const bar = document.createElement("div");
    bar.className = "filter";
    const words = document.createElement("input");
    words.type = "search";
    words.placeholder = "Filter rows";
    words.setAttribute("aria-label", "Filter rows");
    const shown = document.createElement("output");
    const rows = Array.from(table.tBodies[0].rows);
    const groups = Array.from(new Set(rows.map((row) => row.dataset.group).filter(Boolean)));
    const choice = document.createElement("select");
    choice.setAttribute("aria-label", "Filter by verdict");
    choice.append(new Option("all verdicts", ""), ...groups.map((name) => new Option(name, name)));
    bar.append(...(groups.length ? [choice] : []), words, shown);
    table.closest(".scroll").before(bar);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      let count = 0;
      rows.forEach((row, index) => {
        const fits = words.value.toLowerCase().split(/\s+/).every((word) => texts[index].includes(word));
        row.hidden = !fits || (choice.value !== "" && row.dataset.group !== choice.value);
        count += row.hidden ? 0 : 1;
      });
      shown.textContent = `${count} of ${rows.length} rows`;
    };
    words.addEventListener("input", apply);
    choice.addEventListener("input", apply);
    apply();
  }

  for (const table of document.querySelectorAll("table.sortable")) sortable(table);
  for (const table of document.querySelectorAll("table[data-filter]")) filterable(table);
})();
