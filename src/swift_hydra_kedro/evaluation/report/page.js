"use strict";
// The leaderboard from its numbers, filters, and tables that are sorted by their headers.
const report = JSON.parse(document.getElementById("boards").textContent);
const controls = Object.fromEntries([...document.querySelectorAll(".filters [id]")].map((control) => [control.id, control]));
const leaderboard = document.getElementById("leaderboard");

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : parseFloat(cell.dataset.value);
}

function sortTable(table) {
  const header = table.querySelector("th[aria-sort=ascending], th[aria-sort=descending]");
  if (!header) return;
  const sign = header.getAttribute("aria-sort") === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const [x, y] = [valueOf(a, header.cellIndex), valueOf(b, header.cellIndex)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);  // gaps come last
    return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
}

function sortBy(header) {
  const first = header.dataset.first;
  const other = first === "descending" ? "ascending" : "descending";
  const next = header.getAttribute("aria-sort") === first ? other : first;
  for (const each of header.parentNode.cells) each.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", next);
  sortTable(header.closest("table"));
}

function addCell(row, text, value) {
  const cell = row.insertCell();
  cell.textContent = text;
  if (value === undefined) cell.className = "words";
  else cell.dataset.value = value;
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

function showDatasets() {
  const names = Object.keys(report.boards[controls.train.value]).filter((name) => name);
  const options = [["", "all that are compared"], ...names.map((name) => [name, name])];
  fill(controls.dataset, options, names.includes(controls.dataset.value) ? controls.dataset.value : "");
}

function showLeaderboard() {
  const { note, rows } = report.boards[controls.train.value][controls.dataset.value];
  const words = controls.method.value.toLowerCase();
  const body = leaderboard.tBodies[0];
  body.replaceChildren();
  for (const [method, ...values] of rows) {
    const { name, family, supervision, own } = report.methods[method];
    if (controls.family.value && family !== controls.family.value) continue;
    if (controls.supervision.value && supervision !== controls.supervision.value) continue;
    if (!`${name} ${method}`.toLowerCase().includes(words)) continue;
    const row = body.insertRow();
    row.dataset.method = method;
    row.classList.toggle("own", own);
    for (const text of [name, family, supervision]) addCell(row, text);
    values.forEach((value, i) => addCell(row, value === null ? "" : value.toFixed(report.digits[i]), value ?? NaN));
  }
  sortTable(leaderboard);
  document.getElementById("note").textContent = `${body.rows.length} of ${rows.length} methods shown. ${note}`;
}

function showSections() {
  for (const section of document.querySelectorAll("[data-train]")) {
    section.hidden = section.dataset.train !== controls.train.value;
    if (!section.hidden) for (const figure of section.querySelectorAll(".plotly-graph-div")) Plotly.Plots.resize(figure);
  }
}

for (const header of document.querySelectorAll("table.sortable th")) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}
controls.train.addEventListener("change", () => { showDatasets(); showLeaderboard(); showSections(); });
for (const name of ["dataset", "family", "supervision"]) controls[name].addEventListener("change", showLeaderboard);
controls.method.addEventListener("input", showLeaderboard);
showDatasets();
showLeaderboard();
showSections();
