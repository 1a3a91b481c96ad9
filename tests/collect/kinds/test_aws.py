"""The reader of API documentation."""

import hashlib
import json
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from stages.collect import wheels
from stages.collect.kinds import aws
from stages.collect.kinds.aws import AwsSource, Operation
from stages.collect.records import document_id
from stages.lib.core.errors import UserError

OLD = {"operations": {"CreateVpc": {"documentation": "<p>Old.</p>"}}}
NEW = {
    "operations": {
        "CreateVpc": {"documentation": "<p>Creates a <b>VPC</b>.</p>"},
        "DeleteVpc": {"documentation": "<p>Deletes it.</p>"},
        "Undocumented": {},
    }
}
ENTRIES = {
    "awscli/botocore/data/ec2/2014-09-01/service-2.json": json.dumps(OLD),
    "awscli/botocore/data/ec2/2016-11-15/service-2.json": json.dumps(NEW),
    "awscli/botocore/data/s3/2006-03-01/service-2.json": json.dumps(
        {
            "operations": {
                "CreateBucket": {"documentation": "<p>Creates a bucket.</p>"},
                "Mb": {"documentation": "x"},
            }
        }
    ),
    "awscli/botocore/data/sqs/2012-11-05/service-2.json": json.dumps(
        {"operations": {"SendMessage": {"documentation": "<p>Sends it.</p>"}}}
    ),
    "awscli/examples/ec2/create-vpc.rst": "**Example 1: To create a VPC**\r\n\r\nA **bold** word.\r\n**To tag it**\r\n",
    "awscli/examples/ec2/delete-vpc.rst": "No heading here.\n",
    "awscli/examples/ec2/undocumented.rst": "**To do something**\n",
    "awscli/examples/ec2/no-such-operation.rst": "**To do something**\n",
    "awscli/examples/ec2/wait/vpc-exists.rst": "**To wait for a VPC**\n",
    "awscli/examples/s3api/create-bucket.rst": "**To create a bucket**\n",
    "awscli/examples/s3/mb.rst": "**To make a bucket**\n",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "awscli-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, content in ENTRIES.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def environment(wheel, tmp_path, monkeypatch) -> Path:
    """Put the wheel where the reader looks for it, pinned by a pyproject.toml in the working folder."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    Path("pyproject.toml").write_text(
        f'[tool.pairsmith.wheels.awscli]\nversion = "1.0"\nsha256 = "{sha256}"\n', "utf-8"
    )
    target = wheels.pinned_wheels()["awscli"].path
    target.parent.mkdir(parents=True)
    return wheel.rename(target)


def test_operations_are_those_with_documentation_and_a_title(wheel):
    assert aws.documented_operations(wheel) == [
        Operation(
            "ec2", "CreateVpc", "<p>Creates a <b>VPC</b>.</p>", ("To create a VPC", "To tag it")
        ),
        Operation("s3", "CreateBucket", "<p>Creates a bucket.</p>", ("To create a bucket",)),
    ]


def test_operations_without_a_title_follow_those_of_their_service(wheel):
    operations = aws.documented_operations(wheel, untitled=True)
    assert [(operation.key, operation.titles) for operation in operations] == [
        ("ec2 CreateVpc", ("To create a VPC", "To tag it")),
        ("ec2 DeleteVpc", ()),
        ("s3 CreateBucket", ("To create a bucket",)),
        ("s3 Mb", ()),
        ("sqs SendMessage", ()),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("**To create a VPC**", ("To create a VPC",)),
        ("**Example 2: To create a VPC**", ("To create a VPC",)),
        ("**Example2: To create a VPC**", ("To create a VPC",)),
        ("**Example 3 - To create a VPC**", ("To create a VPC",)),
        ("**Example 4 To create a VPC**", ("To create a VPC",)),
        ("**2. To list tags**", ("To list tags",)),
        ("**To run ``make``**", ("To run make",)),
        ("**3-node clusters explained**", ("3-node clusters explained",)),
        ("**Example 1**", ()),
        ("**title**", ()),
        ("A **bold phrase** inside", ()),
    ],
)
def test_titles_are_bold_lines_without_their_numbers(line, expected):
    assert aws.task_titles(line) == expected


def test_a_sample_holds_every_smaller_one_whatever_the_order():
    operations = [
        Operation("s", f"Operation{number}", "text", ("To do it",)) for number in range(50)
    ]
    ten = aws.sample_operations(operations, 10)
    assert len(ten) == 10
    assert aws.sample_operations(operations[::-1], 20)[:10] == ten


def test_an_operation_is_a_document_and_each_title_a_pair(environment):
    collected = aws.read_operations("out_of_domain", AwsSource(reader="aws", documents=2000))
    vpc = collected.documents.frame().set_index("group").loc["ec2 CreateVpc"]
    assert vpc.to_dict() == {
        "doc_id": document_id("out_of_domain", "ec2 CreateVpc"),
        "source": "out_of_domain",
        "title": "ec2 CreateVpc",
        "text": "<p>Creates a <b>VPC</b>.</p>",
        "topic": "ec2",
    }
    pairs = collected.pairs.frame().query("doc_id == @vpc.doc_id")
    assert sorted(pairs["anchor"]) == ["To create a VPC", "To tag it"]
    assert set(pairs["relation"]) == {"task"}
    assert collected.records_read == collected.records_kept == 2 + 3


def test_the_number_of_documents_is_a_limit(environment):
    assert len(aws.read_operations("a", AwsSource(reader="aws", documents=1)).documents) == 1


def test_all_operations_are_read_without_a_limit(environment):
    source = AwsSource(reader="aws", documents=None, untitled=True)
    collected = aws.read_operations("api", source)
    assert sorted(collected.documents.frame()["title"]) == [
        "ec2 CreateVpc",
        "ec2 DeleteVpc",
        "s3 CreateBucket",
        "s3 Mb",
        "sqs SendMessage",
    ]
    assert len(collected.pairs) == 3
    assert collected.records_read == collected.records_kept == 5 + 3


def test_the_group_is_the_service_if_so_set(environment):
    source = AwsSource(reader="aws", documents=None, untitled=True, group="service")
    documents = aws.read_operations("api", source).documents.frame()
    assert sorted(documents["group"]) == ["ec2", "ec2", "s3", "s3", "sqs"]

    # Only the group changes, so ids and texts stay those of the default.
    other = aws.read_operations("api", source.model_copy(update={"group": "operation"}))
    assert other.documents.frame().drop(columns="group").equals(documents.drop(columns="group"))


def test_a_missing_wheel_is_an_error_with_a_remedy(environment):
    environment.unlink()
    with pytest.raises(
        UserError, match=r"awscli-1\.0-py3-none-any\.whl is not in this environment\n.*make setup"
    ):
        aws.read_operations("a", AwsSource(reader="aws", documents=1))


def test_another_wheel_than_the_pinned_one_is_refused(environment):
    with environment.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UserError, match="another sha256"):
        aws.read_operations("a", AwsSource(reader="aws", documents=1))


def test_an_unpinned_wheel_is_refused(environment):
    Path("pyproject.toml").write_text("[project]\n", "utf-8")
    with pytest.raises(UserError, match="pins no wheel awscli"):
        aws.read_operations("a", AwsSource(reader="aws", documents=1))


def test_a_wheel_that_is_no_archive_is_a_problem(tmp_path):
    path = tmp_path / "awscli-1.0-py3-none-any.whl"
    path.write_text("not a zip", "utf-8")
    with pytest.raises(UserError, match="not readable"):
        aws.documented_operations(path)
