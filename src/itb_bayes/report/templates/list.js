"use strict";
(function () {
  var table = document.getElementById("list"), body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows), heads = table.tHead.rows[0].cells;
  var find = document.getElementById("find"), group = document.getElementById("group");
  var least = document.getElementById("least"), told = document.getElementById("told");
  function value(row, k) {
    if (row.cells.length !== heads.length) {
      if (k === heads.length - 1) { k = row.cells.length - 1; } else if (k > 4) { return null; }
    }
    var text = row.cells[k].textContent.trim();
    var age = /^(?:(\d+) y)? ?(?:(\d+) m)?$/.exec(text);
    if (age && text) { return 12 * Number(age[1] || 0) + Number(age[2] || 0); }
    if (/^fewer than/.test(text)) { return 0.5; }
    if (/^more than/.test(text)) { return 99.5; }
    var number = /^([+\u2212]?)(\d+(?:\.\d+)?)/.exec(text);
    if (number) { return (number[1] === "\u2212" ? -1 : 1) * Number(number[2]); }
    return text || null;
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }
  function tell(what) {
    var n = rows.filter(function (row) { return !row.hidden; }).length;
    told.textContent = n + " of " + rows.length + " patients shown" + (what ? "; " + what : "") + ".";
  }
  function sort(k) {
    var up = heads[k].getAttribute("aria-sort") === "descending";
    for (var j = 0; j < heads.length; j += 1) { heads[j].removeAttribute("aria-sort"); }
    heads[k].setAttribute("aria-sort", up ? "ascending" : "descending");
    rows.map(function (row, place) { return [value(row, k), place, row]; }).sort(function (a, b) {
      if (a[0] === null || b[0] === null) { return (a[0] === null) - (b[0] === null) || a[1] - b[1]; }
      return (up ? 1 : -1) * compare(a[0], b[0]) || a[1] - b[1];
    }).forEach(function (entry) { body.appendChild(entry[2]); });
    tell("sorted by " + heads[k].textContent + (up ? ", rising" : ", falling"));
  }
  function filter() {
    var words = find.value.trim().toLowerCase(), least_p = Number(least.value) || 0;
    rows.forEach(function (row) {
      row.hidden = (words !== "" && row.cells[0].textContent.toLowerCase().indexOf(words) < 0) ||
        (group.value !== "" && row.cells[1].textContent !== group.value) ||
        (least_p > 0 && Number(row.dataset.p || 0) < least_p);
    });
    tell("");
  }
  Array.prototype.forEach.call(heads, function (head, k) {
    if (k === 3) { return; }
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", function () { sort(k); });
    head.textContent = "";
    head.appendChild(button);
  });
  [find, group, least].forEach(function (input) { input.addEventListener("input", filter); });
  document.querySelector(".tools").hidden = false;
  tell("");
}());
