from aias_core.secret import Secret, redact, redact_all, to_base62


def test_a_secret_prints_as_a_mask_everywhere() -> None:
    secret = Secret("hunter2hunter2")
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"


def test_known_shapes_are_taken_out_of_any_text() -> None:
    text = "postgresql://aias:hunter2@127.0.0.1:5433/x Bearer abcdefghijkl sk-aias-l-0123456789abcdef"
    assert redact(text) == "postgresql://aias:***@127.0.0.1:5433/x Bearer *** ***"


def test_a_password_without_a_name_before_it_is_taken_out() -> None:
    assert redact("redis://:hunter2@127.0.0.1:6379") == "redis://:***@127.0.0.1:6379"


def test_the_texts_of_a_record_are_redacted_each_by_itself() -> None:
    record = {"reason": "see https://wiki", "by": "anna@example.com", "at": ["https://user:hunter2@host", 7, None]}
    assert redact_all(record) == {**record, "at": ["https://user:***@host", 7, None]}


def test_base_62_is_padded_to_its_width() -> None:
    assert to_base62(61, 3) == "00z"
    assert to_base62(62, 3) == "010"
