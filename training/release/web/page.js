
// --- The page ---
const TEXTS = {
	en: {
		about: "This network computes in your browser. Nothing that you draw or choose leaves your device.",
		draw: "Drawing area: draw with the mouse, a finger or a pen",
		undo: "Undo",
		clear: "Clear",
		file: "Or choose an image:",
		nothing: "Draw something.",
		nothing_chosen: "Choose an image.",
		unreadable: "This file is not an image that your browser can read.",
		failed: "Your browser cannot run this network: {reason}",
		seen: "What the network sees:",
		answer: "{label}: {share}",
		time: "Answered in {time} ms.",
	},
	es: {
		about: "Esta red calcula en tu navegador. Nada de lo que dibujes o elijas sale de tu dispositivo.",
		draw: "Zona de dibujo: dibuja con el ratón, un dedo o un lápiz",
		undo: "Deshacer",
		clear: "Borrar",
		file: "O elige una imagen:",
		nothing: "Dibuja algo.",
		nothing_chosen: "Elige una imagen.",
		unreadable: "Este archivo no es una imagen que tu navegador pueda leer.",
		failed: "Tu navegador no puede ejecutar esta red: {reason}",
		seen: "Lo que ve la red:",
		answer: "{label}: {share}",
		time: "Respuesta en {time} ms.",
	},
};
const PEN_SHARE = 0.045; // of the canvas' side
const MAX_BARS = 10;
const MAX_FILE_SIDE_PX = 2000; // larger images are reduced by the browser first
const MAX_UNDO = 30;

function start() {
	const language = Object.hasOwn(TEXTS, navigator.language.split("-")[0]) ? navigator.language.split("-")[0] : "en";
	const texts = TEXTS[language];
	const model = JSON.parse(document.getElementById("model").textContent);
	const find = (id) => document.getElementById(id);
	const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
	const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
	const percent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const shown = (share) => percent.format(share < 0.99999 ? Math.min(share, 0.999) : share); // nothing is shown as certain
	const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
	const canvas = find("canvas");
	const context = canvas.getContext("2d", { willReadFrequently: true });
	const draws = model.draws;
	const history = [];
	let stroke = null;
	let ready;

	function showAnswer(pixels) {
		const started = performance.now();
		const output = window.trazo.network(pixels);
		const time = performance.now() - started;
		const shares = model.task === "binary" ? [1 - output[0], output[0]] : [...output];
		window.trazo.answer = { pixels: [...pixels], shares, time };
		showSeen(pixels);
		find("time").textContent = fill(texts.time, { time: tenths.format(time) });
		if (model.task === "regression") {
			find("answer").textContent = fill(texts.answer, { label: model.labels[0], share: number.format(shares[0]) });
			return;
		}
		const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
		find("answer").textContent = fill(texts.answer, { label: model.labels[order[0]], share: shown(shares[order[0]]) });
		find("bars").replaceChildren(...order.slice(0, MAX_BARS).map((label) => bar(model.labels[label], shares[label])));
	}

	function bar(label, share) {
		const made = document.createElement("li");
		const name = Object.assign(document.createElement("b"), { textContent: label });
		const meter = Object.assign(document.createElement("meter"), { value: share });
		meter.setAttribute("aria-label", label);
		made.append(name, meter, Object.assign(document.createElement("span"), { textContent: shown(share) }));
		return made;
	}

	function showSeen(pixels) {
		const { width, height, channels } = model.shape;
		const seen = Object.assign(find("seen"), { width, height, hidden: false });
		const image = new ImageData(width, height);
		for (let i = 0; i < width * height; i++) {
			for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = pixels[i * channels + (channels === 1 ? 0 : channel)];
			image.data[4 * i + 3] = 255;
		}
		seen.getContext("2d").putImageData(image, 0, 0);
		find("seen-title").hidden = false;
	}

	function showNothing(text = draws ? texts.nothing : texts.nothing_chosen) {
		window.trazo.answer = null;
		find("answer").textContent = text;
		find("bars").replaceChildren();
		find("time").textContent = "";
		find("seen").hidden = find("seen-title").hidden = true;
	}

	async function classifyDrawing() {
		await ready;
		if (!window.trazo.network) return;
		const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
		const gray = { width: canvas.width, height: canvas.height, values: Float32Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]) };
		const pixels = drawingToPixels(gray, model.shape);
		if (pixels) showAnswer(pixels);
		else showNothing();
	}

	async function classifyFile(file) {
		await ready;
		if (!window.trazo.network) return;
		try {
			const bitmap = await createImageBitmap(file);
			const scale = Math.min(1, MAX_FILE_SIDE_PX / Math.max(bitmap.width, bitmap.height));
			const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
			const area = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
			area.fillStyle = `rgb(${model.background} ${model.background} ${model.background})`; // what transparency is placed on
			area.fillRect(0, 0, width, height);
			area.drawImage(bitmap, 0, 0, width, height);
			showAnswer(imageToPixels(area.getImageData(0, 0, width, height), model.shape));
		} catch {
			showNothing(texts.unreadable);
		}
	}

	// --- Drawing ---

	const toCanvas = (event) => {
		const box = canvas.getBoundingClientRect();
		return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
	};

	// The whole stroke is redrawn with each point: separate pieces would show their joints.
	function drawStroke() {
		context.putImageData(history.at(-1), 0, 0);
		context.lineWidth = PEN_SHARE * canvas.width;
		context.lineCap = context.lineJoin = "round";
		context.beginPath();
		context.moveTo(...stroke[0]);
		for (const point of stroke) context.lineTo(...point);
		if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.1, stroke[0][1]); // a line of length 0 would not show a dot
		context.stroke();
	}

	function remember() {
		history.push(context.getImageData(0, 0, canvas.width, canvas.height));
		if (history.length > MAX_UNDO) history.shift();
	}

	function wipe() {
		context.fillStyle = "#fff";
		context.fillRect(0, 0, canvas.width, canvas.height);
	}

	canvas.addEventListener("pointerdown", (event) => {
		if (event.button !== 0 || !event.isPrimary) return;
		canvas.setPointerCapture(event.pointerId);
		remember();
		stroke = [toCanvas(event)];
		drawStroke();
	});
	canvas.addEventListener("pointermove", (event) => {
		if (!stroke || !event.isPrimary) return;
		for (const step of event.getCoalescedEvents?.() ?? [event]) stroke.push(toCanvas(step));
		drawStroke();
	});
	for (const end of ["pointerup", "pointercancel"])
		canvas.addEventListener(end, () => {
			if (!stroke) return;
			stroke = null;
			classifyDrawing();
		});
	find("undo").addEventListener("click", () => {
		if (!history.length) return;
		context.putImageData(history.pop(), 0, 0);
		classifyDrawing();
	});
	find("clear").addEventListener("click", () => {
		remember();
		wipe();
		showNothing();
	});
	find("file").addEventListener("change", ({ target }) => target.files[0] && classifyFile(target.files[0]));

	document.documentElement.lang = language;
	window.trazo = { network: null, answer: null, classifyDrawing };
	find("about").textContent = texts.about;
	find("undo").textContent = texts.undo;
	find("clear").textContent = texts.clear;
	find("seen-title").textContent = texts.seen;
	find("seen").setAttribute("aria-label", texts.seen);
	document.querySelector("label[for=file]").textContent = texts.file;
	canvas.setAttribute("aria-label", texts.draw);
	canvas.hidden = !draws;
	document.querySelector(".tools").hidden = !draws;
	wipe();
	showNothing();
	ready = networkOf(model).then(
		(network) => (window.trazo.network = network),
		(error) => showNothing(fill(texts.failed, { reason: error.message })),
	);
}

start();
