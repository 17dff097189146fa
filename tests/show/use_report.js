"use strict";
/* Uses the report as a reader would and leaves what it saw in the page, for the test to read. */
addEventListener("load", async () => {
  const turn = () => new Promise((done) => setTimeout(done, 50));
  const column = (table, index) =>
    Array.from(table.tBodies[0].rows, (row) => row.cells[index].dataset.value).filter((value) => value);
  const table = document.querySelector("#table-table1 table");
  const heads = Array.from(table.tHead.rows[1].cells);
  const button = heads[2].querySelector("button");
  button.click();
  seen.rising = column(table, 2);
  seen.sort = heads[2].getAttribute("aria-sort");
  button.click();
  seen.falling = column(table, 2);

  const groups = Array.from(document.querySelectorAll("details.source"));
  seen.folded = groups.filter((group) => !group.open).length;
  const claim = document.querySelector(".headline a");
  claim.click();
  await turn();
  seen.opened = groups.filter((group) => group.open).map((group) => group.contains(document.querySelector(claim.hash)));
  dispatchEvent(new Event("beforeprint"));
  seen.printed = groups.filter((group) => group.open).length;
  dispatchEvent(new Event("afterprint"));
  seen.after = groups.filter((group) => group.open).length;
  const bar = document.querySelector("#verdicts .filter");
  const choice = bar.querySelector("select");
  choice.value = "inconsistent-at-source";
  choice.dispatchEvent(new Event("input"));
  const left = groups.filter((group) => !group.hidden);
  seen.left = left.map((group) => group.open);
  seen.shown = left.flatMap((group) => Array.from(group.querySelectorAll("tbody tr:not([hidden])"), (row) => row.dataset.group));
  seen.counted = bar.querySelector("output").textContent;
  seen.groups = groups.length;

  const section = document.querySelector(".compare");
  const stage = section.querySelector(".stage");
  const [edge, zoom] = section.querySelectorAll("input[type=range]");
  await turn();
  const before = stage.querySelector("img");
  seen.shape = [stage.clientWidth / stage.clientHeight, before.naturalWidth / before.naturalHeight];
  edge.value = 20;
  edge.dispatchEvent(new Event("input"));
  seen.line = stage.querySelector(".line").getBoundingClientRect().left - stage.getBoundingClientRect().left;
  seen.width = stage.clientWidth;
  stage.focus();
  for (const key of ["+", "+", "ArrowLeft"])
    stage.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  seen.zoom = Number(zoom.value);
  seen.transforms = Array.from(section.querySelectorAll("img"), (image) => image.style.transform);
  seen.right = stage.querySelector(".tag.right").textContent;
  const box = stage.getBoundingClientRect();
  zoom.value = 1;
  zoom.dispatchEvent(new Event("input"));
  stage.setPointerCapture = () => {};
  for (const [name, share] of [["pointerdown", 0.2], ["pointermove", 0.75], ["pointerup", 0.75]])
    stage.dispatchEvent(new PointerEvent(name, { clientX: box.left + share * box.width, clientY: box.top + 9 }));
  seen.dragged = Number(edge.value);

  seen.unnamed = Array.from(document.querySelectorAll("input, select, button, [tabindex]"))
    .filter((one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim()))
    .map((one) => one.outerHTML);
  seen.fetched = performance.getEntriesByType("resource").map((one) => one.name)
    .filter((name) => !name.startsWith("data:"));
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  document.body.innerHTML = "";
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
});
