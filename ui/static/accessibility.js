// Adds what Gradio leaves out: names of controls in the visitor's language, groups of radio buttons, headings, answers
// that are spoken, keys for the bar between two images, a message when the camera cannot be used. Controls come and go
// with their tabs, so the page is checked again after every change, at most once per frame.
() => {
	const texts = WORDS; // language -> its texts; the server fills them in
	const preferred = navigator.language.split("-")[0];
	const language = preferred in texts ? preferred : "en";
	const words = texts[language];
	document.documentElement.lang = language; // Gradio sets the browser's language, which the page may not have
	const CAMERA_PROMPT = "video ~ * .wrap"; // where Gradio asks for permission to use the camera
	const SPEAK_AFTER_MS = 600; // without a change: the network answers while a stroke is drawn
	let checkIsDue = false;

	const setLabels = (selector, labels) => {
		document.querySelectorAll(selector).forEach((element, index) => {
			const label = typeof labels === "string" ? labels : labels[index];
			element.setAttribute("aria-label", label);
			if (element.title) element.title = label;
		});
	};

	// Gradio gives each radio button its own name, and another one after every change: to the keyboard and to readers
	// each would be a group of one.
	const groupRadios = (fieldset, index) => {
		const name = `${fieldset.id || "radios"}-${index}-${performance.now()}`;
		const join = () => {
			for (const radio of fieldset.querySelectorAll("input[type=radio]")) if (radio.name !== name) radio.name = name;
		};
		fieldset.setAttribute("role", "radiogroup");
		const label = fieldset.querySelector("[data-testid=block-info]");
		if (label) {
			label.id ||= `${name}-label`;
			fieldset.setAttribute("aria-labelledby", label.id);
		}
		new MutationObserver(join).observe(fieldset, { attributeFilter: ["name"], childList: true, subtree: true });
		join();
	};

	// The text node is moved, not copied: Gradio still changes it when the language is known.
	const makeHeading = (label) => {
		const heading = document.createElement("span");
		heading.setAttribute("role", "heading");
		heading.setAttribute("aria-level", "2");
		heading.append(label.lastChild);
		label.append(heading);
	};

	// An element that is replaced with its text is not spoken, so the answer is repeated in one that stays.
	const announcer = document.createElement("p");
	announcer.className = "spoken";
	announcer.setAttribute("role", "status");
	(document.querySelector(".contain") ?? document.body).append(announcer);
	let announcement = "";
	let speech = null;
	// Marks have names: a comma alone is a pause.
	const spoken = (node) => node.getAttribute?.("aria-label") ?? node.textContent;
	const announceAnswer = () => {
		const parts = [...document.querySelectorAll("#digit-answer :is(.answer-text, .unknown)")];
		const text = parts.length ? `${words.answer}: ${parts.map((part) => [...part.childNodes].map(spoken).join("")).join(". ")}` : "";
		if (text === announcement) return;
		announcement = text;
		clearTimeout(speech);
		speech = setTimeout(() => (announcer.textContent = text), SPEAK_AFTER_MS);
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
		setLabels("#edges-result button", words.reset);
		document.querySelectorAll("fieldset.block:not([role])").forEach(groupRadios);
		document.querySelectorAll(".block.panel > label:not(:has([role=heading]))").forEach(makeHeading);
		for (const image of document.querySelectorAll("#digit-photo img")) image.alt = words.image;
		announceAnswer();
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
			if (event.key !== "Tab" || event.target.getAttribute("role") !== "combobox") return;
			event.stopPropagation();
			// Chromium would stop at the list, because it scrolls, and it is gone once its field is left.
			for (const list of document.querySelectorAll("[role=listbox]")) list.tabIndex = -1;
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
