// --- The map of the network, part 3: all maps of a stage ---
// Maps are counted from 1, as the filters in the edges tab; rows and columns from 0, as in the lens.
async function openStage(name, first, moves) {
	if (moves && name !== chosen.stage) {
		Object.assign(chosen, { unit: null, place: null });
		valuePart.hidden = true;
	}
	Object.assign(chosen, { stage: name, first });
	markCurrent();
	const answer = await ask({ question: "stage", stage: name, first });
	if (name === chosen.stage) showStage(answer, moves);
}

function showStage(answer, moves) {
	const stage = map.stages.find((one) => one.name === answer.name);
	const maps = unpackMaps(answer.maps);
	const isVector = stage.shape[0] * stage.shape[1] === 1;
	const group = make("div", { className: isVector ? "network-values" : "network-maps" });
	group.setAttribute("role", "group");
	group.setAttribute("aria-label", stageTitle(stage));
	const widest = Math.max(Math.abs(answer.lowest), Math.abs(answer.highest));
	for (let place = 0; place < maps.count; place++) {
		group.append(isVector ? valueButton(stage, answer, maps, place, widest) : mapButton(stage, answer, maps, place, widest));
	}
	const focused = stagePart.querySelector(".network-common") === document.activeElement?.parentElement;
	openPart(
		stagePart,
		moves,
		heading(fill(isVector ? texts.values_of : texts.maps_of, { stage: stageTitle(stage) })),
		make("p", { textContent: describeStage(stage, answer) }),
		...(isVector ? [] : [commonSwitch(answer)]),
		group,
		...pager(answer),
	);
	moveByArrows(group);
	if (focused) stagePart.querySelector(".network-common input")?.focus();
}

function describeStage(stage, { silent, count, maps, kernels }) {
	const sentences = [shapeText(stage.shape), texts[`about_${stage.kind}`]];
	if (silent) sentences.push(fill(texts.silent, { silent: whole(silent), count: whole(count) }));
	if (kernels) sentences.push(texts.about_kernels);
	if (maps.step > 1) sentences.push(fill(texts.step, { step: maps.step }));
	return sentences.join(". ") + ".";
}

function commonSwitch(answer) {
	const box = make("input", { type: "checkbox", checked: common });
	box.addEventListener("change", () => {
		common = box.checked;
		showStage(answer, false);
	});
	return make("label", { className: "network-common" }, box, texts.common);
}

function mapButton(stage, answer, maps, place, widest) {
	const unit = answer.first + place;
	const isSilent = maps.low[place] === maps.high[place];
	const text = fill(isSilent ? texts.tile_silent : texts.tile, { unit: unit + 1, highest: format(maps.high[place]) });
	const canvas = mapCanvas(maps, place, "", common ? widest : strongestOf(maps, place));
	const button = makeButton(isSilent ? "network-tile silent" : "network-tile", () => openValue(stage.name, unit, null, true), canvas, make("span", { textContent: text }), ...kernelImage(answer, place));
	button.dataset.unit = unit;
	return button;
}

// In the first layer: the kernel of a map, and which known one it is like.
function kernelImage({ kernels, alike }, place) {
	if (!kernels) return [];
	const likeness = alike[place] && fill(texts.alike, { name: texts[`kernel_${alike[place][0]}`], cosine: format(alike[place][1]) });
	return [mapCanvas(unpackMaps(kernels), place), ...(likeness ? [make("span", { className: "network-alike", textContent: likeness })] : [])];
}

function valueButton(stage, answer, maps, place, widest) {
	const unit = answer.first + place;
	const value = maps.high[place];
	const bar = make("i");
	bar.style.setProperty("--share", widest > 0 ? Math.abs(value) / widest : 0);
	bar.className = value < 0 ? "below" : "";
	const label = stage.name === "head" ? labelOf(unit) : unit + 1;
	const button = makeButton("network-number", () => openValue(stage.name, unit, null, true), make("span", { textContent: label }), bar, make("b", { textContent: format(value) }));
	button.dataset.unit = unit;
	return button;
}

// The name of a score: of the class that it belongs to, if it is one of the likely ones.
function labelOf(unit) {
	if (!map.classes || map.classes.count === 2) return texts.score;
	return map.classes.rows.find((row) => row.id === unit)?.label ?? unit + 1;
}

function pager({ name, first, shown, count }) {
	if (count <= shown) return [];
	const button = (text, start) => {
		const made = makeButton("network-page", () => openStage(name, start, true), text);
		made.disabled = start < 0 || start >= count;
		return made;
	};
	const range = fill(texts.range, { first: first + 1, last: Math.min(first + shown, count), count: whole(count) });
	return [make("p", { className: "network-pager" }, button(texts.previous, first - shown), ` ${range} `, button(texts.next, first + shown))];
}
