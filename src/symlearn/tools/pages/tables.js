"use strict";
// Sorting and filtering: without this script every claim is there, and the form stays hidden.

const form = document.querySelector("form");
const claims = document.getElementById("claims");
const rows = [...claims.querySelectorAll("tbody tr")];
const folded = claims.querySelector("details");

function filter() {
  const text = form.elements.text.value.trim().toLowerCase();
  const outcome = form.elements.outcome.value;
  for (const row of rows) {
    const wanted = outcome === "" || row.dataset.outcome === outcome;
    row.hidden = !(wanted && row.textContent.toLowerCase().includes(text));
  }
  for (const table of claims.querySelectorAll("table")) {
    table.hidden = table.querySelector("tbody tr:not([hidden])") === null;
  }
  const active = text !== "" || outcome !== "";
  if (active) folded.open = true;
  const shown = rows.filter((row) => !row.hidden).length;
  form.querySelector("[role=status]").textContent = active ? `${shown} of ${rows.length} claims` : "";
}

function value(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent;
}

// Numbers by size, all else by letters; what is empty comes last in either order.
function compare(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const difference = Number(a) - Number(b);
  const byLetters = () => a.localeCompare(b, "en", { numeric: true });
  return sign * (Number.isNaN(difference) ? byLetters() : difference);
}

function sort(heading) {
  const table = heading.closest("table");
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const sign = descending ? -1 : 1;
  const column = heading.cellIndex;
  const ordered = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column), sign));
  body.append(...ordered);
}

for (const heading of document.querySelectorAll("th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  button.addEventListener("click", () => sort(heading));
  heading.replaceChildren(button);
}
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
filter(); // a reload keeps what was typed

// A link to a claim that is folded or filtered out shows it.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (target === null) return;
  if (target.hidden) form.reset();
  filter();
  if (folded.contains(target)) folded.open = true;
  target.scrollIntoView();
}
window.addEventListener("hashchange", reveal);
if (location.hash !== "") reveal();
