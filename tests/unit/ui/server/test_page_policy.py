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


def test_policy_lets_only_the_hub_and_named_hosts_show_the_page_in_a_frame():
    (frames,) = (values for name, values in rules(page_policy()).items() if name == "frame-ancestors")
    assert frames == ["'self'", "https://huggingface.co", "https://*.huggingface.co", "https://*.hf.space"]
    named = rules(page_policy(frames=["moodle.school.edu", "localhost:8080", "*", "a b", "x; script-src *", "'none'"]))
    added = ["https://moodle.school.edu", "http://moodle.school.edu", "https://localhost:8080", "http://localhost:8080"]
    assert named["frame-ancestors"] == [*frames, *added] and named["object-src"] == ["'none'"]
