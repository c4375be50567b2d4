// Adds what Gradio leaves out: names of controls in the visitor's language, keys for the bar between two images, a
// message when the camera cannot be used. Controls come and go with their tabs, so the page is checked again after every
// change, at most once per frame.
() => {
	const texts = WORDS; // language -> its texts; the server fills them in
	const preferred = navigator.language.split("-")[0];
	const language = preferred in texts ? preferred : "en";
	const words = texts[language];
	document.documentElement.lang = language; // Gradio sets the browser's language, which the page may not have
	const CAMERA_PROMPT = "video ~ * .wrap"; // where Gradio asks for permission to use the camera
	let checkIsDue = false;

	const setLabels = (selector, labels) => {
		document.querySelectorAll(selector).forEach((element, index) => {
			element.setAttribute("aria-label", typeof labels === "string" ? labels : labels[index]);
		});
	};

	// An upload that the server refuses is shown as `HTTP 507: {"detail":"…"}`.
	const reasonOfServer = (text) => text.match(/^HTTP \d+: \{"detail": ?("(?:[^"\\]|\\.)*")\}$/)?.[1];
	// Some of Gradio's sentences end in a variable part: only their beginning is looked up.
	const translation = (text) =>
		reasonOfServer(text)
			? JSON.parse(reasonOfServer(text))
			: words.gradio[text.replace(/^(Change filter|File\(s\) exceed|Invalid file type).*/, "$1")];
	const translateGradio = () => {
		for (const attribute of ["aria-label", "title", "placeholder"]) {
			for (const element of document.querySelectorAll(`[${attribute}]`)) {
				const text = element.getAttribute(attribute).replace(/^(number input|range slider) for /, "");
				element.setAttribute(attribute, translation(text) ?? text);
			}
		}
		const places = ".toast-title, .toast-message-text, [role=menuitem], .filter-menu span, .filter-menu button";
		for (const element of document.querySelectorAll(`${places}, ${CAMERA_PROMPT}`)) {
			for (const node of element.childNodes) {
				const translated = node.nodeType === Node.TEXT_NODE && translation(node.data.trim());
				if (translated) node.data = translated;
			}
		}
	};

	// Gradio moves the bar to where a mouse button is pressed, so the keys send a mouse press.
	const moveBar = (bar, steps) => {
		const { left, top, width } = bar.parentElement.getBoundingClientRect();
		const share = new DOMMatrix(bar.style.transform).m41 / width + steps / 20;
		const mouse = { clientX: left + Math.min(Math.max(share, 0), 1) * width, clientY: top, view: window };
		bar.dispatchEvent(new MouseEvent("mousedown", mouse));
		window.dispatchEvent(new MouseEvent("mouseup", mouse));
	};
	const reportPosition = (bar) => {
		const share = new DOMMatrix(bar.style.transform).m41 / bar.parentElement.clientWidth;
		bar.setAttribute("aria-valuenow", Math.round(100 * share));
	};
	const addKeys = (bar) => {
		bar.tabIndex = 0;
		bar.setAttribute("role", "slider");
		bar.addEventListener("keydown", (event) => {
			const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -20, End: 20 }[event.key];
			if (!steps) return;
			event.preventDefault();
			moveBar(bar, steps);
		});
		new MutationObserver(() => reportPosition(bar)).observe(bar, { attributeFilter: ["style"] });
		reportPosition(bar);
	};

	const check = () => {
		checkIsDue = false;
		setLabels("#edges-photos button", words.photos);
		setLabels("#edges-result [data-testid=slider]", words.bar);
		document.querySelectorAll("#edges-result [data-testid=slider]:not([tabindex])").forEach(addKeys);
		for (const search of document.querySelectorAll("#tuning-trials .search-input")) {
			search.setAttribute("aria-label", words.search);
			search.placeholder = search.title = words.search;
		}
		// Without a role the label of an empty panel would be ignored.
		for (const empty of document.querySelectorAll(".empty[aria-label]")) empty.setAttribute("role", "img");
		translateGradio();
	};
	const scheduleCheck = () => {
		if (!checkIsDue) requestAnimationFrame(check);
		checkIsDue = true;
	};

	// Gradio would reopen the list of a dropdown that is left with the tab key.
	window.addEventListener(
		"keydown",
		(event) => {
			if (event.key === "Tab" && event.target.getAttribute("role") === "combobox") event.stopPropagation();
		},
		true,
	);
	// Gradio shows nothing when the camera is missing or blocked.
	window.addEventListener("unhandledrejection", (event) => {
		if (!["NotAllowedError", "NotFoundError", "NotReadableError"].includes(event.reason?.name)) return;
		for (const prompt of document.querySelectorAll(CAMERA_PROMPT)) prompt.lastChild.data = words.camera;
		event.preventDefault();
	});
	// A figure that was drawn while its tab was hidden has the wrong width until the window is resized, or seems to be.
	document.addEventListener("click", (event) => {
		if (!event.target.closest("[role=tab]")) return;
		requestAnimationFrame(() => requestAnimationFrame(() => window.dispatchEvent(new Event("resize"))));
	});
	new MutationObserver(scheduleCheck).observe(document.body, { childList: true, characterData: true, subtree: true });
	scheduleCheck();
}
