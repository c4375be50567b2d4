// Gradio gives some controls no name, or an English one, and the bar between two pictures no keys. They come and go with
// their tabs, so it looks again whenever the page changes, once a frame at most. A figure that was drawn before its tab
// was opened has a width of its own until the window's changes, or seems to.
() => {
	const browser = navigator.language.split("-")[0];
	const all = WORDS; // language -> its words
	const language = browser in all ? browser : "en";
	const words = all[language];
	document.documentElement.lang = language; // Gradio names the browser's, which the page may not speak
	const CAMERA = "video ~ * .wrap"; // where Gradio asks to be allowed to use it
	let due = false;

	const name = (selector, as) => {
		document.querySelectorAll(selector).forEach((element, number) => {
			element.setAttribute("aria-label", typeof as === "string" ? as : as[number]);
		});
	};
	// Of some sentences only the beginning is always the same.
	const known = (said) => words.gradio[said.replace(/^(Change filter|File\(s\) exceed|Invalid file type).*/, "$1")];
	const translate = () => {
		for (const attribute of ["aria-label", "title", "placeholder"]) {
			for (const element of document.querySelectorAll(`[${attribute}]`)) {
				const said = element.getAttribute(attribute).replace(/^(number input|range slider) for /, "");
				element.setAttribute(attribute, known(said) ?? said);
			}
		}
		const texts = ".toast-title, .toast-message-text, [role=menuitem], .filter-menu span, .filter-menu button";
		for (const element of document.querySelectorAll(`${texts}, ${CAMERA}`)) {
			for (const node of element.childNodes) {
				const said = node.nodeType === Node.TEXT_NODE && known(node.data.trim());
				if (said) node.data = said;
			}
		}
	};
	// Gradio moves the bar where a mouse button is pressed on it.
	const move = (bar, steps) => {
		const { left, top, width } = bar.parentElement.getBoundingClientRect();
		const share = new DOMMatrix(bar.style.transform).m41 / width + steps / 20;
		const mouse = { clientX: left + Math.min(Math.max(share, 0), 1) * width, clientY: top, view: window };
		bar.dispatchEvent(new MouseEvent("mousedown", mouse));
		window.dispatchEvent(new MouseEvent("mouseup", mouse));
	};
	const tell = (bar) => {
		const share = new DOMMatrix(bar.style.transform).m41 / bar.parentElement.clientWidth;
		bar.setAttribute("aria-valuenow", Math.round(100 * share));
	};
	const give_keys = (bar) => {
		bar.tabIndex = 0;
		bar.setAttribute("role", "slider");
		bar.addEventListener("keydown", (event) => {
			const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -20, End: 20 }[event.key];
			if (!steps) return;
			event.preventDefault();
			move(bar, steps);
		});
		new MutationObserver(() => tell(bar)).observe(bar, { attributeFilter: ["style"] });
		tell(bar);
	};
	const look = () => {
		due = false;
		name("#edges-photos button", words.photos);
		name("#edges-result [data-testid=slider]", words.bar);
		document.querySelectorAll("#edges-result [data-testid=slider]:not([tabindex])").forEach(give_keys);
		for (const search of document.querySelectorAll("#tuning-trials .search-input")) {
			search.setAttribute("aria-label", words.search);
			search.placeholder = search.title = words.search;
		}
		for (const empty of document.querySelectorAll(".empty[aria-label]")) empty.setAttribute("role", "img"); // or no name
		translate();
	};
	const ask = () => {
		if (!due) requestAnimationFrame(look);
		due = true;
	};
	// Of a dropdown that is left with the tab key, Gradio would open the list once more.
	window.addEventListener(
		"keydown",
		(event) => {
			if (event.key === "Tab" && event.target.getAttribute("role") === "combobox") event.stopPropagation();
		},
		true,
	);
	// Where there is no camera, or it may not be used, Gradio says nothing.
	window.addEventListener("unhandledrejection", (event) => {
		if (!["NotAllowedError", "NotFoundError", "NotReadableError"].includes(event.reason?.name)) return;
		for (const asked of document.querySelectorAll(CAMERA)) asked.lastChild.data = words.camera;
		event.preventDefault();
	});
	document.addEventListener("click", (event) => {
		if (!event.target.closest("[role=tab]")) return;
		requestAnimationFrame(() => requestAnimationFrame(() => window.dispatchEvent(new Event("resize"))));
	});
	new MutationObserver(ask).observe(document.body, { childList: true, characterData: true, subtree: true });
	ask();
}
