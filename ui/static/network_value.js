// --- The map of the network, part 4: one map, one of its values, and the sum that made it ---
const MAX_GROUPS = 8; // parts of a sum that are listed at once

async function openValue(name, unit, place, moves) {
	if (chosen.stage !== name) openStage(name, unit, false);
	Object.assign(chosen, { stage: name, unit, place });
	markCurrent();
	const answer = await ask({ question: "value", stage: name, unit, place });
	if (chosen.stage === name && chosen.unit === unit) showValue(answer, moves);
}

function showValue(answer, moves) {
	const stage = map.stages.find((one) => one.name === answer.name);
	const isVector = stage.shape[0] * stage.shape[1] === 1;
	const sum = make("div", { className: "network-sum" });
	const canvas = valuePart.querySelector("canvas.network-large");
	const hadFocus = canvas && canvas === document.activeElement;
	openPart(
		valuePart,
		moves,
		heading(fill(stage.name === "head" ? texts.score_of : isVector ? texts.value_of : texts.map_of, { unit: stage.name === "head" ? labelOf(answer.unit) : answer.unit + 1, stage: stageTitle(stage) })),
		make(
			"div",
			{ className: "network-columns" },
			...(isVector ? [] : [make("div", {}, make("p", { textContent: texts.about_map }), largeMap(stage, answer), ...chainImages(stage, answer))]),
			make("div", {}, ...inputImages(answer)),
		),
		make("h3", { textContent: isVector ? texts.sum_of_value : fill(texts.sum_of, answer) }),
		sum,
	);
	sum.dataset.value = answer.value;
	({ scaling: showScaling, max: showMaximum, average: showMean, mean: showMean, add: showSummands, join: showSummands })[stage.kind]?.(answer, sum);
	if (answer.weights) showProducts(answer, sum);
	if (hadFocus) valuePart.querySelector("canvas.network-large")?.focus();
	say(fill(texts.spoken, { row: answer.y, column: answer.x, value: format(answer.value) }));
}

// --- Images ---

// The map with a frame on the chosen value, which mouse, finger and arrow keys move.
function largeMap(stage, answer) {
	const maps = unpackMaps(answer.map);
	const canvas = mapCanvas(maps, 0, fill(texts.choose_value, { unit: answer.unit + 1 }));
	canvas.classList.add("network-large");
	canvas.setAttribute("role", "application"); // so that a reader passes the arrow keys on
	canvas.tabIndex = 0;
	const frame = make("i", { className: "lens-frame" });
	const part = (place, size) => `${(100 * place) / size}%`;
	const [height, width] = stage.shape;
	Object.assign(frame.style, { top: part(answer.y, height), left: part(answer.x, width), height: part(1, height), width: part(1, width) });
	const choose = (y, x) => {
		const place = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
		if (place[0] !== chosen.place?.[0] || place[1] !== chosen.place?.[1]) openValue(stage.name, answer.unit, place, false);
	};
	chosen.place = [answer.y, answer.x];
	canvas.addEventListener("click", (event) => {
		const box = canvas.getBoundingClientRect();
		choose(Math.floor(((event.clientY - box.top) * height) / box.height), Math.floor(((event.clientX - box.left) * width) / box.width));
	});
	canvas.addEventListener("keydown", (event) => {
		const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
		if (!step) return;
		event.preventDefault(); // the page would scroll
		choose(chosen.place[0] + step[0], chosen.place[1] + step[1]);
	});
	return make("div", { className: "lens-view network-view" }, canvas, frame);
}

// The inputs that contribute most: map × kernel = part of the sum, for all places at once.
function inputImages(answer) {
	if (!answer.inputs.length) return [];
	const maps = unpackMaps(answer.inputMaps);
	const inputName = (one) => (answer.source === null ? texts.input : fill(texts.map_of, { unit: one + 1, stage: titleOf(answer.source) }));
	if (!answer.parts) return [make("div", { className: "network-chain" }, figure(mapCanvas(maps, 0, inputName(answer.unit)), inputName(answer.unit)))];
	const parts = unpackMaps(answer.parts);
	const strongest = Math.max(...answer.inputs.map((_, place) => strongestOf(parts, place)));
	const rows = answer.inputs.map((one, place) => {
		const group = answer.maps.indexOf(one);
		const { rows: height, columns: width } = answer;
		const isTable = height > 1 && width > 1 && height <= 7 && answer.chain;
		const weights = unpackNumbers(answer.weights).subarray(group * height * width);
		const kernel = isTable ? [operator("×"), table(texts.kernel_caption, height, width, (row, column) => weights[row * width + column])] : [];
		const name = inputName(one);
		return make(
			"div",
			{ className: "network-chain" },
			figure(mapCanvas(maps, place, name), name),
			...kernel,
			operator("→"),
			figure(mapCanvas(parts, place, texts.part, strongest), answer.chain ? texts.part_of : texts.part_weighted),
		);
	});
	return [make("h3", { textContent: answer.chain ? texts.inputs : texts.inputs_of_value }), ...rows];
}

// The sum of all parts and the bias, normalized, activated: the map.
function chainImages(stage, answer) {
	if (!answer.chain) return [];
	const maps = unpackMaps(answer.chain);
	const names = [texts.sum, ...(answer.normalization ? [texts.normalized] : []), ...(answer.activation ? [ACTIVATIONS[answer.activation] ?? answer.activation] : [])];
	const figures = names.map((name, place) => figure(mapCanvas(maps, place, name), name));
	const joined = figures.flatMap((one, place) => (place ? [operator("→"), one] : [one]));
	return [make("h3", { textContent: texts.chain }), make("div", { className: "network-chain" }, ...joined)];
}

// --- Numbers ---

function showProducts(answer, target) {
	const { rows, columns } = answer;
	const size = rows * columns;
	const [values, weights] = [unpackNumbers(answer.values), unpackNumbers(answer.weights)];
	const groups = answer.maps.map((one, place) => {
		const part = (numbers) => [...numbers.subarray(place * size, (place + 1) * size)]; // in double precision
		const group = { map: one, top: answer.tops[place], left: answer.lefts[place], values: part(values), weights: part(weights) };
		group.products = group.values.map((value, i) => value * group.weights[i]);
		group.sum = group.products.reduce((sum, product) => sum + product, 0);
		return group;
	});
	const list = make("ol", { className: "network-groups" });
	const detail = make("div", { className: "network-detail" });
	const open = (group, moves) => {
		detail.replaceChildren(...productTables(answer, group));
		if (moves) detail.querySelector("button")?.focus();
	};
	const addGroups = (from, to) => {
		for (const group of groups.slice(from, to)) list.append(groupLine(answer, group, () => open(group, true)));
	};
	addGroups(0, MAX_GROUPS);
	const more = makeButton("network-page network-more", () => {
		addGroups(MAX_GROUPS);
		more.remove();
		if (answer.restCount) others.replaceWith(restLine(answer.restCount, answer.rest));
		else others.remove();
	}, fill(texts.all_parts, { count: whole(groups.length) }));
	const hidden = groups.slice(MAX_GROUPS).reduce((sum, group) => sum + group.sum, 0);
	const others = restLine(Math.max(groups.length - MAX_GROUPS, 0) + answer.restCount, hidden + answer.rest);
	const lines = make("ul", { className: "network-groups" });
	if (groups.length > MAX_GROUPS || answer.restCount) lines.append(others);
	if (answer.bias) lines.append(line(texts.bias, answer.bias));
	const total = groups.reduce((sum, group) => sum + group.sum, answer.rest + answer.bias);
	target.append(
		make("p", { textContent: fill(size > 1 ? texts.about_sum : texts.about_products, { count: whole(groups.length + answer.restCount), size }) }),
		list,
		...(groups.length > MAX_GROUPS ? [more] : []),
		lines,
		make("p", { className: "lens-chips" }, ...steps(answer, total)),
		detail,
	);
	open(groups[0], false);
}

// What a sum takes from the stage before: a map, its mean, or the value of a hidden unit.
function nameInput(source, unit) {
	const isUnit = ["dense", "join"].includes(map.stages.find(({ name }) => name === source)?.kind);
	return fill(isUnit ? texts.from_unit : texts.from_map, { unit: unit + 1 });
}

const restLine = (count, sum) => line(fill(texts.rest, { count: whole(count) }), sum);

function line(text, value) {
	const made = make("li", { className: "network-rest" }, make("span", { textContent: text }), make("span"), make("b", { textContent: format(value) }));
	made.dataset.sum = value;
	return made;
}

function groupLine(answer, group, onClick) {
	const isSingle = answer.rows * answer.columns === 1;
	const isPlace = isSingle && answer.sourceShape[0] * answer.sourceShape[1] > 1;
	const text = isPlace ? fill(texts.from_place, { unit: group.map + 1, row: group.top, column: group.left }) : nameInput(answer.source, group.map);
	const detail = isSingle ? `${format(group.values[0])} × ${operand(group.weights[0])} =` : `${fill(texts.products, { count: answer.rows * answer.columns })} =`;
	const button = makeButton("network-group", onClick, make("span", { textContent: text }), make("span", { textContent: detail }), make("b", { textContent: format(group.sum) }));
	const made = make("li", {}, button);
	made.dataset.sum = group.sum;
	return made;
}

// Values × weights = products; a product is a button that shows its multiplication.
function productTables(answer, group) {
	const { rows, columns } = answer;
	const at = (numbers) => (row, column) => numbers[row * columns + column];
	const one = make("p", { className: "network-product" });
	one.setAttribute("role", "status");
	const show = (row, column) => showMultiplication(answer, group, row, column, one);
	if (rows * columns === 1) {
		show(0, 0);
		return [one];
	}
	const decorate = (cell, value, row, column) => {
		signCell(cell, value);
		cell.replaceChildren(makeButton("", () => show(row, column), format(value)));
	};
	const isOutside = (row, column) => {
		const [y, x] = [group.top + row, group.left + column];
		return y < 0 || x < 0 || y >= answer.sourceShape[0] || x >= answer.sourceShape[1];
	};
	const decorateValue = (cell, value, row, column) => {
		signCell(cell, value);
		if (isOutside(row, column)) cell.classList.add("outside");
	};
	return [
		make("p", { textContent: fill(texts.products_of, { unit: group.map + 1 }) }),
		make(
			"div",
			{ className: "arithmetic" },
			table(texts.values, rows, columns, at(group.values), decorateValue),
			operator("×"),
			table(texts.weights, rows, columns, at(group.weights)),
			operator("="),
			table(texts.product_table, rows, columns, at(group.products), decorate),
		),
		one,
	];
}

function showMultiplication(answer, group, row, column, target) {
	const place = row * answer.columns + column;
	const [value, weight] = [group.values[place], group.weights[place]];
	const [y, x] = [group.top + row, group.left + column];
	const [height, width] = answer.sourceShape;
	target.replaceChildren(make("strong", { textContent: `${format(value)} × ${operand(weight)} = ${format(value * weight)}` }), " ");
	target.dataset.product = value * weight;
	if (y < 0 || x < 0 || y >= height || x >= width) return target.append(texts.outside);
	target.append(fill(height * width > 1 ? texts.value_at : texts.value_from, { row: y, column: x, unit: group.map + 1, stage: titleOf(answer.source) }));
	if (answer.source !== null) target.append(" ", makeButton("network-page", () => openValue(answer.source, group.map, [y, x], true), texts.where_from));
}

// From the sum to the value, one chip per step.
function steps(answer, total, name = texts.sum) {
	const chip = (text) => make("span", { textContent: text });
	const made = [chip(`${name} ${format(total)}`)];
	made[0].dataset.total = total;
	const { normalization: n, activation, slope } = answer;
	if (n) {
		made.push(chip(`(${format(total)} − ${operand(n.mean)}) / √(${format(n.variance)} + ${format(n.epsilon)}) × ${operand(n.gamma)} + ${operand(n.beta)} = ${format(answer.normalized)}`));
		made.at(-1).title = texts[`normalized_${n.kind}`];
	}
	if (activation) {
		const name = ACTIVATIONS[activation] ?? activation;
		made.push(chip(`${name}${slope === null ? "" : ` (${texts.slope} ${format(slope)})`} → ${format(answer.value)}`));
	}
	return made;
}

// --- Stages without weights ---

function showScaling(answer, target) {
	const text = `(${format(answer.pixel)} − ${operand(answer.offset)}) / ${operand(answer.scale)} = ${format(answer.value)}`;
	target.append(make("p", { textContent: texts.about_scaled }), make("p", { className: "lens-chips" }, make("span", { textContent: text })));
}

function windowTable(answer, winner) {
	if (!answer.values) return [];
	const values = unpackNumbers(answer.values);
	const decorate = (cell, value, row, column) => {
		signCell(cell, value);
		const place = [answer.window[0] + row, answer.window[1] + column];
		const isInside = place.every((one, axis) => one >= 0 && one < answer.sourceShape[axis]);
		if (isInside) cell.replaceChildren(makeButton("", () => openValue(answer.source, answer.unit, place, true), format(value)));
		else cell.classList.add("outside");
		if (winner && winner[0] === row && winner[1] === column) cell.classList.add("winner");
	};
	const { rows, columns } = answer;
	return rows <= 11 && columns <= 11 ? [make("div", { className: "arithmetic" }, table(texts.values, rows, columns, (row, column) => values[row * columns + column], decorate))] : [];
}

function showMaximum(answer, target) {
	const [row, column] = answer.winner;
	const text = fill(texts.won, { row: answer.window[0] + row, column: answer.window[1] + column, value: format(answer.first) });
	target.append(...windowTable(answer, answer.winner), make("p", { textContent: text }), ...laterSteps(answer, texts.maximum));
}

function showMean(answer, target) {
	const count = answer.rows * answer.columns;
	const text = `${format(answer.sum)} / ${count} = ${format(answer.first)}`;
	target.append(...windowTable(answer, null), make("p", { className: "lens-chips" }, make("span", { textContent: text })), ...laterSteps(answer, texts.average_value));
}

// Of a stage without weights that also normalizes or activates.
function laterSteps(answer, name) {
	return answer.normalization || answer.activation ? [make("p", { className: "lens-chips" }, ...steps(answer, answer.first, name))] : [];
}

// A shortcut and what it leads past: the values of both at this place. Of joined values, the one that is taken.
function showSummands(answer, target) {
	const list = make("ol", { className: "network-groups" });
	const isJoined = answer.summands.length === 1;
	for (const { stage, unit, value, map } of answer.summands) {
		const button = makeButton(
			"network-group",
			() => openValue(stage, unit, [answer.y, answer.x], true),
			make("span", { textContent: fill(isJoined ? texts.value_of : texts.map_of, { unit: unit + 1, stage: titleOf(stage) }) }),
			...(isJoined ? [] : [mapCanvas(unpackMaps(map), 0)]),
			make("b", { textContent: format(value) }),
		);
		const made = make("li", {}, button);
		made.dataset.sum = value;
		list.append(made);
	}
	target.append(make("p", { textContent: isJoined ? texts.about_joined : texts.about_summands }), list, make("p", { className: "lens-chips" }, ...steps(answer, answer.first)));
}
