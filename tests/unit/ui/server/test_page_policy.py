"""The Content-Security-Policy."""

import base64
import hashlib

from ui.server.page_policy import page_policy


def rules(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (rule.split() for rule in policy.split("; "))}


def test_policy_allows_the_pages_own_scripts_and_no_other():
    code = b'\n window.a = {"text": "</b>"};\n'
    policy = rules(page_policy(b"<script>" + code + b'</script><script type="module" src="./assets/a.js"></script>'))
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert policy["script-src"] == ["'self'", "'unsafe-eval'", f"'sha256-{digest}'"]
    assert policy["object-src"] == ["'none'"] and "frame-ancestors" in policy


def test_policy_of_other_answers_has_no_hash_and_no_inline_script():
    sources = rules(page_policy())["script-src"]
    assert not [one for one in sources if "sha256" in one or one == "'unsafe-inline'"]


def test_policy_of_a_shared_page_allows_where_it_loads_gradio_from():
    policy = rules(
        page_policy(b'<script type="module" crossorigin src="https://cdn.example/6.31.0/gradio.js"></script>')
    )
    assert "https://cdn.example" in policy["script-src"] and "https://cdn.example" in policy["connect-src"]
