
"use strict";
(() => {
  // Everything that came from a manifest is set as text, and never as markup.
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = document.getElementById("map");
  const detail = document.getElementById("detail");
  const title = document.getElementById("title");
  const body = document.getElementById("body");
  const filter = document.getElementById("filter");
  const firstWorkloads = 100;
  let way = 0;

  // element makes an element with children: strings and other elements.
  function element(name, properties, ...children) {
    const e = Object.assign(document.createElement(name), properties);
    e.append(...children);
    return e;
  }

  function rows() {
    return map ? [...map.tBodies[0].rows] : [];
  }

  function namespaceOf(row) {
    return data.namespaces[Number(row.dataset.namespace)];
  }

  // paint writes the numbers of the way that is chosen.
  function paint() {
    for (const row of rows()) {
      const namespace = namespaceOf(row);
      const answer = namespace.answers[way];
      const level = row.querySelector("td.level");
      level.className = "level " + answer.level;
      level.textContent = answer.level;
      if (answer.mayNotStart.length > 0) {
        level.append(element("small", {}, " " + answer.mayNotStart.length + " may not start"));
      }
      for (const td of row.querySelectorAll("td[data-column]")) {
        paintCell(td, namespace, answer.cells[Number(td.dataset.column)]);
      }
    }
    count();
  }

  function paintCell(td, namespace, cell) {
    if (cell.count === 0) {
      td.replaceChildren(element("span", { className: "none" }, "0"));
      return;
    }
    const button = element("button", { type: "button", className: cell.class }, String(cell.count), element("small", {}, cell.mark));
    const control = data.controls[Number(td.dataset.column)].title;
    button.setAttribute("aria-label", `${namespace.name}, ${control}: ${cell.count} of ${namespace.workloads.length} workloads, against ${cell.blocks}`);
    td.replaceChildren(button);
  }

  // count says how many of the namespaces that are shown can go to which level.
  function count() {
    const shown = rows().filter((row) => !row.hidden).map((row) => namespaceOf(row).answers[way].level);
    const parts = ["restricted", "baseline", "privileged"].map((level) => `${level} ${shown.filter((l) => l === level).length}`);
    document.getElementById("levels").textContent = `Namespaces by their highest level: ${parts.join(", ")}`;
  }

  function choose(event) {
    way = Number(event.target.value);
    paint();
  }

  function narrow() {
    const text = filter.value.trim().toLowerCase();
    for (const row of rows()) {
      row.hidden = !namespaceOf(row).name.toLowerCase().includes(text);
    }
    count();
  }

  function open(heading, ...children) {
    title.textContent = heading;
    body.replaceChildren(...children);
    detail.showModal();
    detail.scrollTop = 0;
    title.focus();
  }

  // show opens what was chosen in the table: a cell, or a namespace.
  function show(event) {
    const button = event.target.closest("button");
    if (!button) {
      return;
    }
    const namespace = namespaceOf(button.closest("tr"));
    const td = button.closest("td");
    if (td) {
      showCell(namespace, Number(td.dataset.column));
    } else {
      showNamespace(namespace);
    }
  }

  function showCell(namespace, column) {
    const control = data.controls[column];
    const workloads = namespace.workloads.filter((w) => w.broken[way].includes(column));
    open(
      `${namespace.name}: ${control.title}`,
      element("p", {}, control.why),
      element("p", { className: "quiet" }, `${data.ways[way]}: ${workloads.length} of ${namespace.workloads.length} workloads.`),
      ...listed(workloads, (w) => element("section", {}, element("h3", {}, w.name), ...violations(w, (v) => v.column === column))),
    );
  }

  function showNamespace(namespace) {
    const answer = namespace.answers[way];
    const parts = [answers(namespace)];
    if (namespace.now) {
      parts.push(element("p", {}, "Its labels now: " + namespace.now + "."));
    }
    if (namespace.excess) {
      parts.push(element("p", {}, namespace.excess + "."));
    }
    if (namespace.undecidedCount > 0) {
      parts.push(element("h3", {}, `Could not be decided: ${namespace.undecidedCount}`));
      parts.push(element("ul", {}, ...namespace.undecided.map((text) => element("li", {}, text))));
    }
    for (const [names, level] of [[answer.mayNotStart, answer.level], [answer.next ? answer.next.mayNotStart : [], answer.next ? answer.next.level : ""]]) {
      if (names.length > 0) {
        parts.push(element("h3", {}, `Allowed at ${level}, and may not start: ${names.length}`), element("p", {}, names.join(", ")));
      }
    }
    if (answer.commands.length > 0) {
      parts.push(element("h3", {}, "To label it, in this order"), element("pre", { tabIndex: 0 }, answer.commands.join("\n")));
    }
    parts.push(element("h3", {}, `Workloads: ${namespace.workloads.length}`));
    parts.push(...listed(namespace.workloads, workload));
    open(namespace.name, ...parts);
  }

  // answers is the table of the ways.
  function answers(namespace) {
    const lines = namespace.answers.map((a, i) => {
      const blocks = a.next ? `${a.next.level}: ` + blocking(namespace, a.next) : "there is no stricter one";
      return element("tr", {}, element("th", { scope: "row" }, data.ways[i]), element("td", {}, a.level), element("td", {}, blocks));
    });
    return table(["Judged", "Highest level", "What blocks the next"], lines, 2);
  }

  function blocking(namespace, next) {
    const blocks = next.blocks.map((b) => `${b.name} (${b.count})`);
    if (namespace.undecidedCount > 0) {
      blocks.push(`could not be decided (${namespace.undecidedCount})`);
    }
    return blocks.join(", ");
  }

  function table(heads, lines, wide) {
    const cells = heads.map((head, i) => element("th", { scope: "col", className: i === wide ? "wide" : "" }, head));
    return element("table", {}, element("thead", {}, element("tr", {}, ...cells)), element("tbody", {}, ...lines));
  }

  function workload(w) {
    const count = w.marks.filter((m) => m.ways.includes(way)).length;
    const text = count === 0 ? "no violation" : `${count} ${count === 1 ? "violation" : "violations"}`;
    if (count === 0) {
      return element("p", {}, `${w.name}: ${text} in ${w.in}`);
    }
    return element("details", {}, element("summary", {}, `${w.name}: ${text}`), ...violations(w, () => true));
  }

  // violations are those of a workload that are wanted, in the way that is chosen.
  function violations(w, wanted) {
    const lines = w.marks
      .filter((m) => m.ways.includes(way) && wanted(data.violations[m.v]))
      .map((m) => violation(data.violations[m.v], m.in === w.in ? "" : m.in));
    const parts = [element("p", { className: "quiet" }, `Judged: ${w.in}`), table(["Field", "Is", "Must be"], lines, 0)];
    if (w.more) {
      parts.push(element("p", {}, "It has more violations than are kept of one workload."));
    }
    return parts;
  }

  // violation is a line of the table. It says where it was seen, if that is not in all that was judged.
  function violation(v, seen) {
    const field = element("td", {}, path(v.field));
    if (v.who) {
      field.append(element("small", {}, v.who));
    }
    field.append(element("small", {}, `${v.id}, against ${v.blocks}`));
    if (v.note) {
      field.append(element("small", {}, v.note));
    }
    if (v.grants) {
      field.append(element("small", {}, "a policy could allow it: " + v.grants.join(" or ")));
    }
    if (seen) {
      field.append(element("small", {}, "only in " + seen));
    }
    return element("tr", {}, field, element("td", {}, v.is), element("td", {}, v.want));
  }

  // path is a path that a line may end in, after a dot.
  function path(field) {
    const code = element("code");
    for (const step of field.split(/(?<=\.)/)) {
      code.append(step, element("wbr"));
    }
    return code;
  }

  // listed makes elements of the first items, and of all when they are asked for.
  function listed(items, make) {
    const first = items.slice(0, firstWorkloads).map(make);
    if (items.length <= firstWorkloads) {
      return first;
    }
    const more = element("button", { type: "button" }, `Show all ${items.length}`);
    more.addEventListener("click", () => more.replaceWith(...items.slice(firstWorkloads).map(make)));
    return [...first, more];
  }

  if (map) {
    map.addEventListener("click", show);
  }
  document.getElementById("ways").addEventListener("change", choose);
  filter.addEventListener("input", narrow);
  // A click beside the dialog closes it.
  detail.addEventListener("click", (event) => {
    if (event.target === detail) {
      detail.close();
    }
  });
  paint();
  narrow();
})();
