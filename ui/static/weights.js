// A kernel's weights as people write them. Shared by the editor of weights and the lens.
const MAX_DENOMINATOR = 1024;

// The server's weights are float32: a third comes back as 0.3333333432674408.
const isNearlyWhole = (value) => Math.abs(value - Math.round(value)) < 1e-5 && (value === 0 || Math.round(value) !== 0);
const isExactInThreeDigits = (weight) => Math.abs(Number(weight.toPrecision(3)) - weight) <= 1e-7 * Math.abs(weight);

// The denominator with which a kernel is shown in fractions; null where decimals are exact, or no fraction is either.
function commonDenominator(kernel) {
	const weights = kernel.flat();
	if (weights.every(isExactInThreeDigits)) return null;
	for (let denominator = 2; denominator <= MAX_DENOMINATOR; denominator++) {
		if (weights.every((weight) => isNearlyWhole(weight * denominator))) return denominator;
	}
	return null;
}

// A number with a decimal point or comma, or a fraction such as 1/9; NaN for anything else.
function parseWeight(text) {
	const parts = text.split("/").map((part) => part.trim().replace(",", ".").replace("−", "-"));
	if (parts.length > 2 || parts.includes("")) return NaN;
	return parts.length === 1 ? Number(parts[0]) : Number(parts[0]) / Number(parts[1]);
}
