// The language switch and "copy link" in the page's head, and the way from an address to what the page shows.
// Gradio runs this once, when the component appears, and provides `element`, `props` and `trigger`. The value that it
// sends is what an address asks for, { photo: "brick", kernel: "sobel", … }; the server sets the controls.
const root = element.querySelector(".page-tools");
const { trazo } = window;
const texts = JSON.parse(root.dataset[trazo.language]);
const copy = root.querySelector(".copy-link");
const said = root.querySelector("[role=status]");

for (const button of root.querySelectorAll("[data-language]")) {
	if (button.dataset.language === trazo.language) button.setAttribute("aria-current", "true");
	button.addEventListener("click", () => trazo.chooseLanguage(button.dataset.language));
}
root.querySelector("nav").setAttribute("aria-label", texts.language);
copy.textContent = texts.copy;

// Browsers give pages that are not served by HTTPS, such as one in a classroom, no clipboard.
async function toClipboard(text) {
	if (navigator.clipboard) return navigator.clipboard.writeText(text);
	const field = Object.assign(document.createElement("textarea"), { value: text });
	document.body.append(field);
	field.select();
	const copied = document.execCommand("copy");
	field.remove();
	if (!copied) throw new Error("not copied");
}

copy.addEventListener("click", async () => {
	trazo.setLink({ lang: trazo.language });
	said.textContent = await toClipboard(location.href).then(
		() => texts.copied,
		() => texts.not_copied,
	);
	setTimeout(() => (said.textContent = ""), 4000);
});

// Open what an address asks for. The lens goes to its pixel by itself, and a network to be trained takes its choices.
const open = (wanted) => {
	trazo.setLink(wanted);
	trazo.pixel = wanted.px?.split(",").map(Number);
	props.value = wanted;
	trigger("input");
};
trazo.openLink = (wanted) => {
	trazo.report("choices", (trazo.choices = wanted));
	open(wanted);
};
if (JSON.parse(root.dataset.parameters).some((name) => name in trazo.choices)) open(trazo.choices);
