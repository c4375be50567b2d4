// What the lens reports: the pixel for the page's address, and facts of the result that a lesson checks. Runs after lens.js.
const { trazo } = window;
const MIN_LINE_PX = 8;
const REPORT_AFTER_MS = 400; // without a move
let moved = false; // by a person, since the page's address asked for a pixel
let report = null;

// The share of the white pixels that lie in lines of at least so many along an axis; the border, where zeros are outside,
// does not count.
function inLines(isWhite, count, length) {
	let [white, lined] = [0, 0];
	for (let line = 1; line < count - 1; line++) {
		for (let run = 0, place = 1; place < length; place++) {
			if (place < length - 1 && isWhite(line, place)) run++;
			else {
				white += run;
				if (run >= MIN_LINE_PX) lined += run;
				run = 0;
			}
		}
	}
	return white ? lined / white : 0;
}

function measureResult({ sums, down, across, sign, threshold, isExample }) {
	if (threshold === null || isExample) return {};
	const [rows, columns] = [down.count, across.count];
	const isWhite = (y, x) => {
		const sum = sums[y * columns + x];
		return (sign === "clipped" ? sum : Math.abs(sum)) > threshold;
	};
	let white = 0;
	for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) white += isWhite(y, x);
	return {
		white_share: white / (rows * columns),
		horizontal: inLines(isWhite, rows, columns),
		vertical: inLines((x, y) => isWhite(y, x), columns, rows),
	};
}

function reportSoon() {
	clearTimeout(report);
	report = setTimeout(() => {
		if (!scene) return;
		const { stride, padding, sign, threshold, measured, isExample } = scene;
		const [y, x] = centers[isExample ? "example" : "image"];
		if (moved && !isExample) trazo.setLink({ px: `${x},${y}` });
		const sum = scene.sums[row * scene.across.count + column];
		const size = sign === "clipped" ? sum : Math.abs(sum);
		const white = threshold !== null && size > threshold;
		trazo.report("lens", { moved, sum, white, stride, padding, ...measured });
	}, REPORT_AFTER_MS);
}

// The pixel that the page's address asks for, once.
function goToPixel() {
	if (!trazo.pixel) return;
	const [x, y] = trazo.pixel;
	centers.image = [y, x];
	trazo.pixel = null;
	moved = false;
}
