// --- The map of the network, part 5: from the last maps to the answer ---
async function openAnswer(label, other, moves) {
	Object.assign(chosen, { answer: true, label, other });
	markCurrent();
	const answer = await ask({ question: "evidence", label, other });
	showAnswer(answer, moves);
}

function showAnswer(answer, moves) {
	const focused = document.activeElement?.name;
	const chips = make("p", { className: "lens-chips" });
	const total = make("span", { textContent: `${answer.other === null ? texts.score : texts.difference} ${format(answer.score)}` });
	total.dataset.total = answer.score;
	chips.append(total);
	openPart(
		answerPart,
		moves,
		heading(answer.task === "regression" ? texts.number_title : texts.answer_title),
		...(answer.classes ? [classChoice(answer)] : []),
		make("p", { textContent: describeEvidence(answer) }),
		make("div", { className: "network-evidence" }, ...evidenceImage(answer), featureList(answer)),
		chips,
		...(answer.classes ? softmaxTable(answer) : [make("p", { textContent: describeTarget(answer) })]),
	);
	if (!moves && focused) answerPart.querySelector(`[name="${focused}"]`)?.focus();
}

// Why this class, and why not that one.
function classChoice(answer) {
	const options = (selected, none) => [
		...(none ? [make("option", { value: "", textContent: texts.no_other, selected: selected === null })] : []),
		...answer.classes.rows.map(({ id, label }) => make("option", { value: id, textContent: label, selected: id === selected })),
	];
	const label = make("select", { name: "map-label" }, ...options(answer.label, false));
	const other = make("select", { name: "map-other" }, ...options(answer.other, true));
	for (const select of [label, other]) {
		select.addEventListener("change", () => {
			const second = other.value === "" || other.value === label.value ? null : Number(other.value);
			openAnswer(Number(label.value), second, false);
		});
	}
	return make("div", { className: "network-choice" }, make("label", {}, texts.why, label), make("label", {}, texts.why_not, other));
}

function describeEvidence({ places, placesStage }) {
	if (places) return fill(texts.exact_places, { stage: titleOf(placesStage) });
	return placesStage ? texts.exact_large : texts.exact_units;
}

// The input in gray, and over it what each place adds: blue for, orange against.
function evidenceImage({ places, input }) {
	if (!places) return [];
	const values = unpackNumbers(places.values);
	const maps = unpackMaps(input);
	const strongest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
	const canvas = make("canvas", { className: "network-image network-large" });
	canvas.setAttribute("role", "img");
	canvas.setAttribute("aria-label", texts.evidence_image);
	// Scaled up, so that the places, which are fewer, have sharp edges.
	const scale = Math.max(1, Math.ceil(280 / Math.max(maps.rows, maps.columns)));
	const [height, width] = [maps.rows * scale, maps.columns * scale];
	paintColors(canvas, height, width, (row, column) => {
		const gray = maps.count === 3 ? (maps.read(0, ~~(row / scale), ~~(column / scale)) + maps.read(1, ~~(row / scale), ~~(column / scale)) + maps.read(2, ~~(row / scale), ~~(column / scale))) / 3 : maps.read(0, ~~(row / scale), ~~(column / scale));
		const value = values[Math.floor((row * places.height) / height) * places.width + Math.floor((column * places.width) / width)];
		const part = strongest > 0 ? (0.85 * Math.abs(value)) / strongest : 0;
		return (value < 0 ? NEGATIVE : POSITIVE).map((one) => one * part + 0.6 * gray * (1 - part));
	});
	canvas.dataset.sum = values.reduce((sum, value) => sum + value, 0);
	return [figure(canvas, texts.evidence_image)];
}

function featureList(answer) {
	const list = make("ol", { className: "network-groups" });
	for (const { unit, value, weight, part } of answer.features) {
		const button = makeButton(
			"network-group",
			() => openValue(answer.featureStage, unit, null, true),
			make("span", { textContent: nameInput(answer.featureStage, unit) }),
			make("span", { textContent: `${format(value)} × ${operand(weight)} =` }),
			make("b", { textContent: format(part) }),
		);
		const made = make("li", {}, button);
		made.dataset.sum = part;
		list.append(made);
	}
	if (answer.restCount) list.append(restLine(answer.restCount, answer.rest));
	list.append(line(texts.bias, answer.bias));
	return list;
}

// Scores → divided by the temperature → powers of e → shares of their sum.
function softmaxTable({ classes, temperature, task }) {
	const made = make("table", { className: "network-softmax" });
	const sentences = [
		...(task === "binary" ? [texts.one_score] : []),
		...(temperature === 1 ? [] : [fill(texts.tempered, { temperature: format(temperature) })]),
		fill(texts.softmax_caption, { highest: format(classes.highest) }),
	];
	const head = made.createTHead().insertRow();
	for (const name of ["class", "score", "scaled", "power", "probability"]) head.append(make("th", { textContent: texts[`column_${name}`], scope: "col" }));
	const rows = made.createTBody();
	for (const row of classes.rows) {
		const line = rows.insertRow();
		line.append(make("th", { textContent: row.label, scope: "row" }));
		for (const value of [format(row.score), format(row.scaled), format(row.power), percent(row.probability)]) line.insertCell().textContent = value;
	}
	const left = classes.count - classes.rows.length;
	const sum = [fill(texts.softmax_sum, { sum: format(classes.powers) }), ...(left ? [fill(texts.softmax_more, { count: whole(left) })] : [])];
	return [make("h3", { textContent: texts.softmax }), make("p", { textContent: sentences.join(" ") }), make("div", { className: "network-scroll", tabIndex: 0, role: "region", ariaLabel: texts.softmax }, made), make("p", { textContent: sum.join(" ") })];
}

function describeTarget({ score, target: { name, offset, scale, activation } }) {
	const soft = activation === "softplus" ? Math.log1p(Math.exp(-Math.abs(score))) + Math.max(score, 0) : score;
	const first = activation === "softplus" ? fill(texts.softplus, { score: format(score), value: format(soft) }) + " " : "";
	return `${first}${name} = ${format(soft)} × ${operand(scale)} + ${operand(offset)} = ${format(soft * scale + offset)}`;
}
