// Another goal or budget in the section "Which one to take": the same rules as comparison/decision.py, over offers that
// were computed for many goals. Texts are only ever set as text, except the swatches, which hold no data.
"use strict";
(() => {
  const source = document.getElementById("choice");
  if (!source) return;
  const DATA = JSON.parse(source.textContent);
  const form = document.getElementById("need");
  const fields = form.elements;
  const tag = (name, text, className) => {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const nameOf = (index) => DATA.contenders[index].name;
  const listed = (names) => (names.length < 2 ? names.join("") : _("{names} and {last}", { names: names.slice(0, -1).join(", "), last: names.at(-1) }));
  const goalsOf = (kind) => DATA.goals.filter((goal) => goal.kind === kind);

  const shortfalls = (goal, index, need) => {
    const contender = DATA.contenders[index];
    const found = goal.offers[index].reached === null ? [goal.offers[index].missed] : [];
    if (need.latency !== null) {
      if (contender.latency === null) found.push(_("has no speed test, so its time is not known"));
      else if (contender.latency > need.latency) found.push(_("needs {time} ms for an image", { time: contender.latencyText }));
    }
    if (need.size !== null) {
      if (contender.bytes === null) found.push(_("has no checkpoint whose size is known"));
      else if (contender.bytes > need.size) found.push(_("takes {size}", { size: contender.sizeText }));
    }
    return found;
  };

  // Who is named, and by what: the figure, the time or the size.
  const decide = (goal, need) => {
    const missing = DATA.contenders.map((contender, index) => shortfalls(goal, index, need));
    const rank = (index) => (goal.less ? -1 : 1) * (goal.offers[index].figure ?? 0);
    const fulfilling = missing.flatMap((found, index) => (found.length ? [] : [index])).sort((a, b) => rank(b) - rank(a));
    const result = { missing, fulfilling, equals: [], winner: null, by: "nothing" };
    if (!fulfilling.length || !DATA.comparable) return result;
    const best = fulfilling[0];
    const equals = fulfilling.filter((index) => index === best || goal.equal[best][index]);
    result.equals = equals;
    if (equals.length === 1) return { ...result, winner: best, by: "figure" };
    const quick = equals.filter((index) => !equals.some((other) => DATA.faster[other][index]));
    if (quick.length === 1 && equals.every((other) => other === quick[0] || DATA.faster[quick[0]][other])) {
      return { ...result, winner: quick[0], by: "latency" };
    }
    const sizes = quick.map((index) => DATA.contenders[index].bytes);
    const small = sizes.includes(null) ? quick : quick.filter((index) => !quick.some((other) => DATA.smaller[other][index]));
    if (small.length === 1) return { ...result, winner: small[0], by: "size" };
    return rank(small[0]) > rank(small[1]) ? { ...result, winner: small[0], by: "lean" } : result;
  };

  const words = (goal, decision) => {
    const { winner, equals, fulfilling, missing, by } = decision;
    if (!DATA.comparable) return ["unlike", _("None is recommended: these experiments were not measured alike.")];
    const failing = missing.flatMap((found, index) => (found.length ? [_("“{name}” {does}.", { name: nameOf(index), does: listed(found) })] : []));
    if (!fulfilling.length) return ["none", missing.length > 1 ? _("None of {total} experiments meets this need.", { total: missing.length }) : _("This experiment does not meet the need."), ...failing];
    if (winner === null) return ["tie", _("{names} are equally good: take either.", { names: listed(equals.map((index) => _("“{name}”", { name: nameOf(index) }))) }), ...failing];
    const offer = goal.offers[winner];
    const next = fulfilling.find((index) => index !== winner);
    const name = nameOf(winner);
    const use = _("Set its confidence threshold to {threshold}, which gives {figures}.", { threshold: offer.threshold, figures: offer.reached });
    const does = _("It {does}.", { does: offer.plain });
    if (missing.length === 1) return ["winner", _("“{name}” reaches {figures}.", { name, figures: offer.reached }), does, use];
    const findNothing = (found, index) => index === winner || (found.length === 1 && found[0] === goal.offers[index].missed);
    if (next === undefined && ["f1", "miss"].includes(goal.kind) && missing.every(findNothing)) {
      return ["winner", _("Take “{name}”: only it finds anything.", { name }), does, use, ...failing];
    }
    if (next === undefined) return ["winner", _("Take “{name}”: only it meets the need.", { name }), does, use, ...failing];
    const both = _("“{name}” {does}; “{other}” {other_does}.", { name, does: offer.plain, other: nameOf(next), other_does: goal.offers[next].plain });
    const heads = {
      figure: () => _("Take “{name}”: {reason}.", { name, reason: DATA.reasons[goal.reasons[winner][next]] }),
      latency: () => _("No clear difference: take the faster one, “{name}”.", { name }),
      size: () => _("No clear difference: take the smaller one, “{name}”.", { name }),
      lean: () =>
        goal.close[winner][next]
          ? _("No clear difference: take either.")
          : _("Take “{name}”: it is slightly ahead, which may be luck.", { name }),
    };
    return [by === "figure" ? "winner" : "tie", heads[by](), both, use, ...failing];
  };

  const showAdvice = (goal, decision) => {
    const [kind, headline, ...sentences] = words(goal, decision);
    const box = document.getElementById("advice");
    box.className = `rp-advice rp-${kind}`;
    box.replaceChildren(tag("h3", headline), ...sentences.map((sentence) => tag("p", sentence)));
  };

  const standing = (decision, index) => {
    if (decision.winner === index) return tag("b", `● ${_("Recommended")}`, "cx-best");
    const missing = listed(decision.missing[index]);
    if (missing) return tag("span", missing[0].toUpperCase() + missing.slice(1), "cx-worse");
    if (decision.equals.includes(index)) return tag("span", _("Cannot be told apart"));
    return tag("span", DATA.comparable ? _("Meets it") : _("Not ranked"));
  };

  const showOffers = (goal, decision) => {
    const table = document.querySelector("#offers table");
    const head = tag("tr");
    for (const name of [_("Experiment"), _("For this need"), ...goal.heads]) {
      const cell = tag("th", name);
      cell.scope = "col";
      cell.tabIndex = 0;
      head.append(cell);
    }
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(
      ...DATA.contenders.map((contender, index) => {
        const row = tag("tr", undefined, decision.winner === index ? "cx-named" : "");
        const name = tag("th");
        name.scope = "row";
        name.innerHTML = contender.swatch;
        name.append(` ${contender.name}`);
        const last = tag("td", undefined, "cx-text");
        last.append(standing(decision, index));
        row.append(name, last, ...goal.offers[index].texts.map((text) => tag("td", text)));
        return row;
      }),
    );
  };

  // The marks that the server drew for this goal, in the looks of the first chart, and the line of the limit in time.
  const panel = (goal, need) => {
    if (!DATA.front || !goal.front) return null;
    const { panel: first, marks } = DATA.front;
    const { low, high, alt, lines } = goal.front;
    const series = lines.map(([name, data, text]) => {
      const { markPoint, ...mark } = { ...marks[name], data };
      return text ? { ...mark, markPoint: { ...markPoint, label: { ...markPoint.label, formatter: text.replace(/[{]/g, "(").replace(/[}]/g, ")") }, data: [{ coord: data[0] }] } } : mark;
    });
    if (need.latency !== null) series.push({ ...marks[""], data: [[need.latency, low], [need.latency, high]] });
    const yAxis = { ...first.option.yAxis, name: goal.figure, min: low, max: high };
    const aria = { enabled: true, label: { enabled: true, description: alt } };
    return { ...first, y: goal.figure, option: { ...first.option, yAxis, series, aria } };
  };

  const showFront = (goal, need) => {
    const place = document.querySelector("#front .rp-panels");
    const drawn = place && panel(goal, need);
    if (drawn) globalThis.reportPanels.replace(place, drawn);
    for (const note of document.querySelectorAll("#front .rp-note")) note.remove(); // they were about the first need
  };

  const limitOf = (name) => {
    const field = fields.namedItem(name);
    if (!field) return null;
    const step = DATA[name][Number(field.value)];
    field.parentElement.querySelector("output").textContent = step ? step[1] : _("any");
    return step ? step[0] : null;
  };
  const update = () => {
    const kind = fields.namedItem("kind").value;
    const goals = goalsOf(kind);
    const slider = fields.namedItem("number");
    const label = slider.parentElement;
    label.hidden = goals.length < 2;
    if (Number(slider.max) !== goals.length - 1) {
      slider.max = goals.length - 1;
      slider.value = Math.floor(goals.length * 0.7);
    }
    const goal = goals[Number(slider.value)];
    label.querySelector("span").textContent = DATA.labels[kind];
    label.querySelector("output").textContent = goal.value;
    slider.setAttribute("aria-valuetext", goal.value);
    const need = { latency: limitOf("latency"), size: limitOf("size") };
    const decision = decide(goal, need);
    showAdvice(goal, decision);
    showOffers(goal, decision);
    showFront(goal, need);
  };
  const start = () => {
    const { kind, value, latency, size } = DATA.start;
    if (kind === "f1" && latency === null && size === null) return; // that is what the file shows without this script
    fields.namedItem("kind").value = kind;
    const slider = fields.namedItem("number");
    const goals = goalsOf(kind);
    slider.max = goals.length - 1;
    slider.value = goals.findIndex((goal) => goal.value === value);
    for (const [name, step] of [["latency", latency], ["size", size]]) {
      if (step !== null) fields.namedItem(name).value = step;
    }
    update();
  };
  start();
  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
