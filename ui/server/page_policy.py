"""The Content-Security-Policy: what a browser may run and load on the page, should a text's escaping ever fail.

Gradio's page holds scripts in its HTML. Their hashes are computed from each page that is served, so that no other
inline script and no `onclick=…` runs. `'unsafe-eval'` cannot be avoided: Gradio makes functions of the scripts and
templates that the server gives to its components (`js_on_load`, `html_template`, `js`). Nor can inline styles: Svelte
and Plotly write them.
"""

import base64
import hashlib
import re
from collections.abc import Sequence

# The Hub shows a Space in a frame of its page. Other sites must not, or they could trick visitors into clicks.
_FRAMES = "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
_HOST = re.compile(r"[\w-][\w.-]*(?::\d{1,5})?", re.ASCII)
_SCRIPT = re.compile(rb"<script([^>]*)>(.*?)</script>", re.DOTALL)
_ELSEWHERE = re.compile(rb'\ssrc="(https://[\w.-]+)/')


def page_policy(html: bytes = b"", frames: Sequence[str] = ()) -> str:
    """Return the policy for a page.

    Args:
        html: the page as the server made it; empty for all other answers.
        frames: hosts, with or without a port, whose pages may show this one in a frame. Those that are no names of
            hosts, such as `*`, are left out.

    Example:
        >>> "'sha256-" in page_policy(b"<script>start()</script>")
        True
    """
    scripts, elsewhere = ["'self'", "'unsafe-eval'"], []
    for attributes, code in _SCRIPT.findall(html):
        if found := _ELSEWHERE.search(attributes):  # of GRADIO_SHARE's page
            elsewhere.append(found[1].decode())
        elif code:
            scripts.append(f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode()}'")
    others = " ".join(["", *elsewhere])
    rules = {
        "default-src": "'self'" + others,
        "script-src": " ".join(scripts) + others,
        "style-src": "'self' 'unsafe-inline'" + others,
        "img-src": "'self' data: blob:" + others,
        "font-src": "'self' data:" + others,
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:" + others,
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    hosts = [f"{scheme}://{one}" for one in frames if _HOST.fullmatch(one) for scheme in ("https", "http")]
    return "; ".join([" ".join([_FRAMES, *hosts]), *(f"{name} {value}" for name, value in rules.items())])
