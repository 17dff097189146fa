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

  /* One bar for the rows of several tables; `changed` is told whether it hides any. */
  function filterable(tables, place, changed) {
    const bar = document.createElement("div");
    bar.className = "filter";
    const words = document.createElement("input");
    words.type = "search";
    words.placeholder = "Filter rows";
    words.setAttribute("aria-label", "Filter rows");
    const shown = document.createElement("output");
    const rows = tables.flatMap((table) => Array.from(table.tBodies[0].rows));
    const groups = Array.from(new Set(rows.map((row) => row.dataset.group).filter(Boolean)));
    const choice = document.createElement("select");
    choice.setAttribute("aria-label", "Filter by verdict");
    choice.append(new Option("all verdicts", ""), ...groups.map((name) => new Option(name, name)));
    bar.append(...(groups.length ? [choice] : []), words, shown);
    place.before(bar);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      let count = 0;
      rows.forEach((row, index) => {
        const fits = words.value.toLowerCase().split(/\s+/).every((word) => texts[index].includes(word));
        row.hidden = !fits || (choice.value !== "" && row.dataset.group !== choice.value);
        count += row.hidden ? 0 : 1;
      });
      shown.textContent = `${count} of ${rows.length} rows`;
      changed(count < rows.length);
    };
    words.addEventListener("input", apply);
    choice.addEventListener("input", apply);
    apply();
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  /* Before and after: two images on one stage, a movable edge between them, one zoom for all of a scene. */
  function comparable(section) {
    const shots = Array.from(section.querySelectorAll(".shots figure"));
    if (shots.length < 2) return;
    const names = shots.map((shot) => shot.querySelector("b").textContent);
    const sources = shots.map((shot) => shot.querySelector("img").src);
    const before = element("img", { alt: "", draggable: false });
    const after = element("img", { alt: "", draggable: false });
    const tags = [element("span", { className: "tag left" }), element("span", { className: "tag right" })];
    const clip = element("div", { className: "after" }, after);
    const stage = element("div", { className: "stage", tabIndex: 0 }, before, clip, element("div", { className: "line" }), ...tags);
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", "Comparison; arrow keys move the image, plus and minus zoom");
    const choose = (chosen) => {
      const list = element("select", {}, ...names.map((name, index) => new Option(name, index)));
      list.selectedIndex = chosen;
      return list;
    };
    const last = names.length - 1;
    const ours = shots.findIndex((shot) => shot.dataset.model === "llpacknet");
    const lists = [choose(0), choose(ours > 0 ? ours : last)];
    const split = element("input", { type: "range", min: 0, max: 100, value: 50, step: 0.5 });
    const zoom = element("input", { type: "range", min: 1, max: 12, value: 1, step: 0.1 });
    const reset = element("button", { type: "button", textContent: "Whole image" });
    const controls = element(
      "div", { className: "controls" },
      element("label", {}, "Left", lists[0]), element("label", {}, "Right", lists[1]),
      element("label", {}, "Edge", split), element("label", {}, "Zoom", zoom), reset,
    );
    section.querySelector(".shots").before(controls, stage);

    const state = { x: 0.5, y: 0.5 };
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    const draw = () => {
      const scale = Number(zoom.value);
      const margin = 0.5 / scale;
      state.x = clamp(state.x, margin, 1 - margin);
      state.y = clamp(state.y, margin, 1 - margin);
      const shift = `${(0.5 - state.x * scale) * 100}%, ${(0.5 - state.y * scale) * 100}%`;
      const transform = `translate(${shift}) scale(${scale})`;
      for (const image of [before, after, ...shots.map((shot) => shot.querySelector("img"))]) image.style.transform = transform;
      stage.style.setProperty("--split", `${split.value}%`);
      stage.classList.toggle("near", scale > 1);
      lists.forEach((list, side) => {
        (side ? after : before).src = sources[list.selectedIndex];
        tags[side].textContent = names[list.selectedIndex];
      });
    };
    const sized = () => stage.style.setProperty("--shape", before.naturalWidth / before.naturalHeight);
    before.addEventListener("load", sized);
    for (const control of [...lists, split, zoom]) control.addEventListener("input", draw);
    reset.addEventListener("click", () => { zoom.value = 1; draw(); });
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== stage) return;
      event.preventDefault();
      zoom.value = Number(zoom.value) * (event.deltaY < 0 ? 1.15 : 1 / 1.15);
      draw();
    }, { passive: false });
    stage.addEventListener("keydown", (event) => {
      const step = 0.1 / Number(zoom.value);
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.key in moves) { state.x += moves[event.key][0]; state.y += moves[event.key][1]; }
      else if (event.key === "+" || event.key === "=") zoom.value = Number(zoom.value) * 1.25;
      else if (event.key === "-") zoom.value = Number(zoom.value) / 1.25;
      else return;
      event.preventDefault();
      draw();
    });
    let grip = null;
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      const box = stage.getBoundingClientRect();
      const near = Math.abs((event.clientX - box.left) / box.width - Number(split.value) / 100) < 0.04;
      grip = { edge: near || Number(zoom.value) === 1, x: event.clientX, y: event.clientY };
    });
    stage.addEventListener("pointermove", (event) => {
      if (!grip) return;
      const box = stage.getBoundingClientRect();
      if (grip.edge) split.value = 100 * (event.clientX - box.left) / box.width;
      else {
        state.x -= (event.clientX - grip.x) / box.width / Number(zoom.value);
        state.y -= (event.clientY - grip.y) / box.height / Number(zoom.value);
        grip.x = event.clientX;
        grip.y = event.clientY;
      }
      draw();
    });
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { grip = null; });
    draw();
  }

  /* A link to a verdict or a footnote unfolds what it stands in; print unfolds all, and folds it again. */
  const groups = Array.from(document.querySelectorAll("details.source"));
  const reveal = () => {
    const aimed = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = aimed && aimed.closest("details.fold");
    if (fold && !fold.open) { fold.open = true; aimed.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = Array.from(document.querySelectorAll("details.fold:not([open])"));
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
  reveal();

  for (const section of document.querySelectorAll(".compare")) comparable(section);
  for (const table of document.querySelectorAll("table.sortable")) sortable(table);
  for (const table of document.querySelectorAll("table[data-filter]")) filterable([table], table.closest(".scroll"), () => {});
  filterable(groups.map((group) => group.querySelector("table")), groups[0], (some) => {
    for (const group of groups) {
      group.hidden = !group.querySelector("tbody tr:not([hidden])");
      if (some) group.open = true;
    }
  });
})();
