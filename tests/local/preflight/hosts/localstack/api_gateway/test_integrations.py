"""Non-proxy integrations: templates, mappings, selection patterns, MOCK."""

import json
from typing import Any

import pytest
import requests

from tests.local.conftest import refusal
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, NewApi, said
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function

JSON = {"Content-Type": "application/json"}


def rendered(api: Api, echo: Function, template: str, body: str, **request: Any) -> Any:
    """What a request template makes of a body: the event of the function, which must be JSON."""
    integration = {"requestTemplates": {"application/json": template}}
    names = api.add("/{name}", "POST", echo, "AWS", integration)
    api.answers(names)
    url = api.deploy(variables={"v": "stage"})
    answer = requests.post(f"{url}/p{request.pop('query', '')}", body.encode(), headers=JSON | request, timeout=30)
    return answer.json()


@pytest.mark.parametrize(
    ("template", "body", "event"),
    [
        (
            "{\"a\": $input.json('$.a'), \"b\": $input.json('$.none')}",
            '{"a": {"c": [1, "é"]}}',
            {"a": {"c": [1, "é"]}, "b": ""},
        ),
        ("$input.json('$')", '{"a": 1}', {"a": 1}),
        ("$input.body", '{"a": 1}', {"a": 1}),
        ('{"a": "$input.path(\'$.a\')"}', '{"a": {"foo": "bar"}}', {"a": "{foo=bar}"}),
        ("{\"a\": $input.path('$.a')}", '{"a": [{"foo": "bar"}]}', {"a": [{"foo": "bar"}]}),
        ('{"a": "$input.path(\'$.none\')"}', '{"a": 1}', {"a": ""}),
        ("{\"a\": $input.path('$.a[1].b')}", '{"a": [0, {"b": 2}]}', {"a": 2}),
        ("#if($input.path('$.none') == $null && $input.path('$.none') == '')[1]#else[2]#end", "{}", [1]),
        (
            "#set($r = $input.path('$'))[#foreach($e in $r.a)$e.b#if($foreach.hasNext),#end#end]",
            '{"a": [{"b": 1}, {"b": 2}]}',
            [1, 2],
        ),
        (
            '{"n": $input.path(\'$.a\').size(), "k": "$input.path(\'$\').keySet()"}',
            '{"a": [1, 2]}',
            {"n": 2, "k": "[a]"},
        ),
        ("\"$util.urlEncode($input.body) $util.urlDecode('a%20b')\"", "a b", "a+b a b"),
        ("\"$util.base64Encode($input.body) $util.base64Decode('YQ==')\"", "a", "YQ== a"),
        ("$util.parseJson('{\"x\": [5]}').x", "{}", [5]),
        ('"$stageVariables.v ${stageVariables.v} $context.stage $context.httpMethod"', "{}", "stage stage test POST"),
        (
            "\"$input.params('name') $input.params('q') $input.params().path.name $input.params('none')\"",
            "{}",
            "p 1 p ",
        ),
        (
            "\"#set($s = $input.path('$.s'))$s.toUpperCase() $s.substring(1) $s.replaceAll('a', 'b')\"",
            '{"s": "aXa"}',
            "AXA Xa bXb",
        ),
    ],
)
def test_a_template_makes_the_event(api: Api, echo: Function, template: str, body: str, event: Any) -> None:
    assert rendered(api, echo, template, body, query="?q=1") == event


def test_escape_java_script_is_javascripts_and_not_jsons(api: Api, echo: Function) -> None:
    template = '{"text": "$util.escapeJavaScript($input.path(\'$.text\'))%s"}'
    text = {"text": 'it\'s "a"\n/é\\'}

    repaired = rendered(api, echo, template % """.replaceAll("\\\\'", "'")""", json.dumps(text))

    assert repaired == text


def test_an_event_that_is_no_json_never_reaches_the_function(api: Api, echo: Function) -> None:
    template = '{"text": "$util.escapeJavaScript($input.path(\'$.text\'))"}'

    answer = rendered(api, echo, template, '{"text": "it\'s"}')

    assert answer["message"].startswith("Could not parse request body into json: Could not parse payload into json: ")


def test_a_template_that_cannot_be_read_is_a_500(api: Api, echo: Function) -> None:
    assert rendered(api, echo, "#if($input.body)never ended", "{}") == {"message": "Internal server error"}


@pytest.mark.parametrize(
    ("passthrough", "templates", "status"),
    [
        ("WHEN_NO_MATCH", {"application/json": "{}"}, 200),
        ("WHEN_NO_MATCH", {}, 200),
        ("WHEN_NO_TEMPLATES", {"application/json": "{}"}, 415),
        ("WHEN_NO_TEMPLATES", {}, 200),
        ("NEVER", {"application/json": "{}"}, 415),
        ("NEVER", {}, 415),
        ("NEVER", {"text/plain": "$input.body"}, 200),
    ],
)
def test_a_body_without_a_template(
    api: Api, echo: Function, passthrough: str, templates: dict[str, str], status: int
) -> None:
    integration = {"passthroughBehavior": passthrough, "requestTemplates": templates}
    api.answers(api.add("/", "POST", echo, "AWS", integration))

    answer = requests.post(api.deploy(), "[1, 2]", headers={"Content-Type": "text/plain"}, timeout=30)

    assert (answer.status_code, answer.json()) == (
        status,
        [1, 2] if status == 200 else {"message": "Unsupported Media Type"},
    )


def test_the_selection_pattern_that_takes_the_whole_error_answers(api: Api, permitted: Create) -> None:
    function = permitted("def handler(event, context):\n    if event: raise Exception(event)\n    return 'fine'")
    names = api.add("/", "POST", function, "AWS")
    api.answers(names)
    api.answers(names, "400", selectionPattern=r"\[400\].*")
    api.answers(names, "404", selectionPattern="Not")
    url = api.deploy()

    found = {
        text: requests.post(url, json=text, timeout=30).status_code for text in ("", "[400] no", "a [400]", "Nothing")
    }

    assert found == {"": 200, "[400] no": 400, "a [400]": 200, "Nothing": 200}


def test_an_answer_without_a_pattern_for_it_is_a_500(api: Api, echo: Function) -> None:
    api.answers(api.add("/", "POST", echo, "AWS"), "400", selectionPattern="never")

    assert said(requests.post(api.deploy(), json={}, timeout=30)) == (500, "Internal server error")


def test_responses_are_mapped(api: Api, echo: Function) -> None:
    names = api.add("/", "POST", echo, "AWS")
    mappings = {
        "X-Static": "'text'",
        "X-Body": "integration.response.body.a[0]",
        "X-Type": "integration.response.header.Content-Type",
        "X-Stage": "context.stage",
        "X-None": "integration.response.body.none",
    }
    override = "#set($o = $context.responseOverride)#set($o.status = 202)#set($o.header.X-Over = 'o')"
    parameters = {f"method.response.header.{name}": source for name, source in mappings.items()}
    api.answers(
        names, responseParameters=parameters, responseTemplates={"application/json": f"{override}$input.json('$.a')"}
    )

    answer = requests.post(api.deploy(), json={"a": ["x"]}, timeout=30)

    assert (answer.status_code, answer.json()) == (202, ["x"])
    assert {name: answer.headers.get(name) for name in (*mappings, "X-Over")} == {
        "X-Static": "text",
        "X-Body": "x",
        "X-Type": "application/json",
        "X-Stage": "test",
        "X-None": None,
        "X-Over": "o",
    }


def test_a_mock_answers_a_browsers_question(api: Api) -> None:
    names = api.add("/", "OPTIONS", integration={"requestTemplates": {"application/json": "{statusCode: 200}"}})
    headers = {"Access-Control-Allow-Origin": "'*'", "Access-Control-Allow-Methods": "'GET,OPTIONS'"}
    api.answers(names, responseParameters={f"method.response.header.{name}": value for name, value in headers.items()})

    answer = requests.options(api.deploy(), timeout=30)

    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET,OPTIONS"
    assert "X-Amzn-Trace-Id" not in answer.headers


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ('{"statusCode": 200}', 200),
        ("{statusCode: 404}", 404),
        ('{"statusCode": 418}', 200),
        ('{"statusCode": "200"}', 500),
        ("{}", 500),
        ("text", 500),
        ('#if($input.params("x") == "1"){"statusCode": 404}#else{"statusCode": 200}#end', 404),
    ],
)
def test_a_mocks_status_chooses_its_response(api: Api, template: str, status: int) -> None:
    names = api.add("/", "GET", integration={"requestTemplates": {"application/json": template}})
    api.answers(names, responseTemplates={"application/json": "here"})
    api.answers(names, "404", selectionPattern="404")

    assert requests.get(f"{api.deploy()}?x=1", timeout=30).status_code == status


@pytest.mark.parametrize("handling", [None, "CONVERT_TO_TEXT"])
def test_a_binary_body_is_text_where_it_is_to_be(new_api: NewApi, echo: Function, handling: str | None) -> None:
    api = new_api(binaryMediaTypes=["image/png"])
    integration: dict[str, Any] = {"requestTemplates": {"image/png": '{"image": "$input.body"}'}}
    api.answers(api.add("/", "POST", echo, "AWS", integration | ({"contentHandling": handling} if handling else {})))

    answer = requests.post(api.deploy(), b"\x00\xff", headers={"Content-Type": "image/png"}, timeout=30)

    assert answer.json() == ({"image": "AP8="} if handling else {"message": "Internal server error"})


def test_an_event_is_handed_over_without_waiting(api: Api, echo: Function) -> None:
    mapping = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    api.answers(api.add("/", "POST", echo, "AWS", {"requestParameters": mapping}))

    answer = requests.post(api.deploy(), json={"a": 1}, timeout=30)

    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("header", ["Content-Length", "authorization", "TE"])
def test_a_header_that_is_lambdas_cannot_be_mapped(api: Api, echo: Function, header: str) -> None:
    mapping = {f"integration.request.header.{header}": "'x'"}
    api.answers(api.add("/", "POST", echo, "AWS", {"requestParameters": mapping}))

    assert said(requests.post(api.deploy(), json={}, timeout=30)) == (500, "Internal server error")


def test_mappings_that_lead_nowhere_are_refused(api: Api, echo: Function) -> None:
    names = api.add("/", "POST", echo, "AWS")
    api.client.put_method_response(
        **names, statusCode="200", responseParameters={"method.response.header.known": False}
    )
    put = api.client.put_integration_response

    undeclared = refusal(put, **names, statusCode="200", responseParameters={"method.response.header.X": "'x'"})
    no_source = refusal(put, **names, statusCode="200", responseParameters={"method.response.header.known": "true"})
    mapping = {"integration.request.header.a": "method.request.header.b"}
    unknown = refusal(api.add, "/other", "POST", echo, "AWS", {"requestParameters": mapping})

    frame = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [{}]"
    words = "Invalid mapping expression parameter specified: "
    assert undeclared == ("BadRequestException", frame.format(f"{words}method.response.header.X"))
    assert no_source == ("BadRequestException", frame.format("Invalid mapping expression specified: true"))
    assert unknown == ("BadRequestException", frame.format(f"{words}method.request.header.b"))
