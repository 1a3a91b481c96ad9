"""Sound text in Chinese, Portuguese and technical English passes through every repair as it is."""

from pathlib import Path

import pytest

from stages.clean.__main__ import main
from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from tests.clean.corpus import PARAMS, documents, pairs, write_params

CHINESE = [
    "发热是指体温升高超过正常范围，通常高于37.5摄氏度。患者可能出现寒战、头痛和乏力等症状。",
    "如何重新设置路由器的密码？请按住背面的按钮十秒钟，直到指示灯开始闪烁。",
    "心电图（ECG）显示ST段抬高；血压为120/80 mmHg，心率每分钟72次。",
    "“退货政策”：自收到商品之日起7天内可申请退货，运费由买家承担。价格：￥199元。",
    "本接口返回JSON格式的数据，参数page从1开始，每页最多100条记录。",
    "肝脾肿大，伴有血小板减少（<100×10⁹/L）及贫血。",
]
PORTUGUESE = [
    "A febre é a elevação da temperatura do corpo acima do normal, em geral acima de 37,5 °C.",
    "Como faço para redefinir a senha do roteador? Mantenha o botão pressionado durante dez segundos.",
    "O paciente apresenta insuficiência cardíaca congestiva (ICC), com edema nos membros inferiores.",
    "A função pulmonar está reduzida; não há história prévia de asma nem de alergias.",
    "Política de devolução: até 7 dias após o recebimento, o frete fica por conta do comprador. R$ 199,90.",
    "Os leucócitos e as plaquetas estão abaixo do limite inferior (< 4.000/mm³).",
]
TECHNICAL = [
    "kubectl rollout of the redis statefulset with pvc resize",
    "Set `max_connections` in postgresql.conf; see https://example.org/docs/pg?x=1&y=2#top.",
    "The API returns HTTP 404 if the S3 bucket arn:aws:s3:::my-bucket isn't found, e.g. after a typo.",
    "CD4+ T cells and IgG/IgM levels (p < 0.05, n = 12); 5 μg/mL is “high”.",
    "In C++ use std::vector<int> or List<String>; in C# it's List<T>.",
    "HP:0000003 maps to OMIM:123450; BRCA1 c.68_69delAG is pathogenic.",
    "Hutchinson-Gilford progeria, Sjögren syndrome and Ménière’s disease",
]
# English that teaches a vocabulary, definitions and lines that recur: something to be wrongly applied elsewhere.
ENGLISH = [
    f"The pulmonary function of patient {index} is reduced. Electrocardiogram (ECG) and blood pressure were normal.\n"
    "Terms of use apply here"
    for index in range(40)
]


@pytest.mark.slow
def test_sound_text_is_not_touched_by_any_repair(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sound = [*CHINESE, *PORTUGUESE, *TECHNICAL]
    frame = documents(*sound, *ENGLISH)
    anchors = pairs(*sound)
    expected = dict(zip(frame["doc_id"], frame["text"], strict=True))
    tables.write(frame, Path("data/collect/documents.parquet"), Documents)
    tables.write(anchors, Path("data/collect/pairs.parquet"), Pairs)
    tables.write(Documents.empty(), Path("data/collect/out_of_domain_documents.parquet"), Documents)
    tables.write(Pairs.empty(), Path("data/collect/out_of_domain_pairs.parquet"), Pairs)
    Path("data/glossary").mkdir()
    Path("data/review").mkdir()
    Path("data/review/edits.csv").write_text("rule_id,edit,verdict,judge,note\n", "utf-8")
    Path("data/glossary/abbreviations.csv").write_text(
        "short,long\nICC,intraclass correlation\nIT,information technology\n"
    )
    write_params(PARAMS.model_copy(update={"abbreviations": "all", "max_anchor_characters": 500}))
    main()
    cleaned = tables.read(Path("data/clean/documents.parquet"), Documents).set_index("doc_id")[
        "text"
    ]
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    ids = list(frame["doc_id"][: len(sound)])
    decisions = ledger[ledger["row_id"].isin([*ids, *anchors["pair_id"]])]
    assert decisions[["reason", "before", "after"]].to_numpy().tolist() == []
    assert {doc_id: cleaned[doc_id] for doc_id in ids} == {
        doc_id: expected[doc_id] for doc_id in ids
    }
    # And the repairs were at work.
    assert {"boilerplate"} <= set(ledger["reason"])
