"""Tables of definitions, kind by kind: what a reader would say that each text defines."""

import pytest

from stages.clean.abbreviations.definitions import find_definitions

# Short forms with hyphens, digits, Greek letters, charges and slashes.
SIGNS = [
    ("tumor necrosis factor-alpha (TNF-alpha) levels", "TNF-alpha", "tumor necrosis factor-alpha"),
    ("tumour necrosis factor α (TNF-α)", "TNF-α", "tumour necrosis factor α"),
    ("tumour necrosis factor alpha (TNF-α)", "TNF-α", "tumour necrosis factor alpha"),
    ("peroxisome proliferator-activated receptor γ (PPARγ)", "PPARγ", None),
    ("nuclear factor-kappa B (NF-kappa B)", "NF-kappa B", "nuclear factor-kappa B"),
    ("angiotensin II (Ang II)", "Ang II", "angiotensin II"),
    ("human T cell lymphotropic virus type I (HTLV-I)", "HTLV-I", None),
    ("severe acute respiratory syndrome coronavirus 2 (SARS-CoV-2)", "SARS-CoV-2", None),
    ("high-density lipoprotein cholesterol (HDL-C)", "HDL-C", None),
    ("ionised calcium (Ca2+)", "Ca2+", "calcium"),
    ("interstitial fibrosis and tubular atrophy (IF/TA)", "IF/TA", None),
    ("liquid chromatography/mass spectrometry (LC/MS)", "LC/MS", None),
    ("continuous integration and continuous delivery (CI/CD)", "CI/CD", None),
    ("business-to-business (B2B)", "B2B", "business-to-business"),
    ("Business-to-consumer (B2C)", "B2C", "Business-to-consumer"),
    ("research and development (R&D)", "R&D", "research and development"),
    ("titanium dioxide (TiO2)", "TiO2", "titanium dioxide"),
    ("hydrogen peroxide (H2O2)", "H2O2", "hydrogen peroxide"),
    ("sodium chloride (NaCl)", "NaCl", "sodium chloride"),
    ("forced expiratory volume in 1 s (FEV1)", "FEV1", "forced expiratory volume in 1 s"),
    ("phosphatidylinositol 3-kinase (PI 3-kinase)", "PI 3-kinase", None),
]

# Long forms that begin with digits or a locant, or stand within a word with hyphens.
STARTS = [
    ("treated with 5-fluorouracil (FU)", "FU", "5-fluorouracil"),
    ("uptake of 2-deoxyglucose (2-DG)", "2-DG", "2-deoxyglucose"),
    ("of 3,4-methylenedioxymethamphetamine (MDMA)", "MDMA", "3,4-methylenedioxymethamphetamine"),
    (
        "by 12-O-tetradecanoylphorbol-13-acetate (TPA)",
        "TPA",
        "12-O-tetradecanoylphorbol-13-acetate",
    ),
    (
        "the toxin 1-methyl-4-phenyl-1,2,3,6-tetrahydropyridine (MPTP)",
        "MPTP",
        "1-methyl-4-phenyl-1,2,3,6-tetrahydropyridine",
    ),
    ("2,3,7,8-tetrachlorodibenzo-p-dioxin (TCDD)", "TCDD", None),
    ("the N-methyl-D-aspartate (NMDA) receptor", "NMDA", "N-methyl-D-aspartate"),
    ("with [18F]-fluorodeoxyglucose (FDG)", "FDG", "[18F]-fluorodeoxyglucose"),
    ("1,25-dihydroxyvitamin D3 (1,25(OH)2D3)", "1,25(OH)2D3", "1,25-dihydroxyvitamin D3"),
    (
        "the agonist 8-hydroxy-2-(di-n-propylamino)tetralin (8-OH-DPAT)",
        "8-OH-DPAT",
        "8-hydroxy-2-(di-n-propylamino)tetralin",
    ),
    ("the 50% inhibitory concentration (IC50)", "IC50", "50% inhibitory concentration"),
    ("Anti-tumor necrosis factor (TNF) drugs", "TNF", "tumor necrosis factor"),
    ("in non-small cell lung cancer (NSCLC)", "NSCLC", "non-small cell lung cancer"),
    ("Tissue-type plasminogen activator (t-PA)", "t-PA", "Tissue-type plasminogen activator"),
    ("all-trans-retinoic acid (ATRA)", "ATRA", "all-trans-retinoic acid"),
    ("two-dimensional (2D) gels", "2D", "two-dimensional"),
    ("Poly(ADP-ribose) polymerase (PARP)", "PARP", "Poly(ADP-ribose) polymerase"),
]

# The longest window that fits; of repeated initials the first counts.
WINDOWS = [
    ("in systemic sclerosis (SS)", "SS", "systemic sclerosis"),
    ("the chronic cardiac care clinic (CCCC)", "CCCC", "chronic cardiac care clinic"),
    ("a crisis communication centre (CCC)", "CCC", "crisis communication centre"),
    ("the Standard State Search (SSS)", "SSS", "Standard State Search"),
    ("for stainless steel sheet (SSS)", "SSS", "stainless steel sheet"),
    ("pulmonary artery pressure (PAP)", "PAP", "pulmonary artery pressure"),
    ("a multiple mirror mount (MMM)", "MMM", "multiple mirror mount"),
    ("the total tax treatment (TTT)", "TTT", "total tax treatment"),
    ("heat and humidity hours (HHH)", "HHH", None),
    ("the ratio of the median to the mean (RMM)", "RMM", "ratio of the median to the mean"),
    ("red blood cell distribution width (RDW)", "RDW", "red blood cell distribution width"),
    ("hepatitis B surface antigen (HBsAg)", "HBsAg", "hepatitis B surface antigen"),
    ("heating, ventilation and air conditioning (HVAC)", "HVAC", None),
    ("earnings before interest, taxes, depreciation and amortization (EBITDA)", "EBITDA", None),
    ("Bring your own IP addresses (BYOIP)", "BYOIP", "Bring your own IP addresses"),
    ("area under the curve (AUC)", "AUC", "area under the curve"),
]

# Law, other languages, words of lead, quotes and dots.
WORDINGS = [
    ('The European Union (the "EU") signed.', "EU", "European Union"),
    ("under the General Data Protection Regulation (hereinafter “GDPR”)", "GDPR", None),
    ('Exchange Commission and the Federal Trade Office (the "FTO" or the "Office")', "FTO", None),
    ("a non-disclosure agreement (NDA) of both parties", "NDA", "non-disclosure agreement"),
    ("a magnetic resonance angiogram (or MRA)", "MRA", "magnetic resonance angiogram"),
    ("body mass index (BMI; kg/m2)", "BMI", "body mass index"),
    ("thyroid-stimulating hormone (thyrotropin, TSH)", "TSH", "thyroid-stimulating hormone"),
    ("serotonin (5-hydroxytryptamine; 5-HT)", "5-HT", "5-hydroxytryptamine"),
    ("given intravenously (i.v.) at night", "i.v.", "intravenously"),
    ("of 450 base pairs (bp)", "bp", "base pairs"),
    ("per os (po) twice", "po", "per os"),
    ("Die Datenschutz-Grundverordnung (DSGVO) gilt.", "DSGVO", "Datenschutz-Grundverordnung"),
    ("Das Bürgerliche Gesetzbuch (kurz: BGB)", "BGB", "Bürgerliche Gesetzbuch"),
    ("une imagerie par résonance magnétique (IRM)", "IRM", None),
    ("la taxe sur la valeur ajoutée (ci-après «\u00a0TVA\u00a0»)", "TVA", None),
    ("el virus de la inmunodeficiencia humana (VIH)", "VIH", None),
    ("El Niño-Southern Oscillation (ENSO)", "ENSO", "El Niño-Southern Oscillation"),
    ("ApoE (apolipoprotein E) was low", "ApoE", "apolipoprotein E"),
    (
        "the methicillin-resistant S. aureus (MRSA) strain",
        "MRSA",
        "methicillin-resistant S. aureus",
    ),
]


@pytest.mark.parametrize(("text", "short", "long"), [*SIGNS, *STARTS, *WINDOWS, *WORDINGS])
def test_the_long_form_is_the_one_that_a_reader_sees(text, short, long):
    if long is None:
        # The long form is all that stands before the bracket, without its article.
        before = text[: text.index(" (")]
        long = before.removeprefix("under the ").removeprefix("la ").removeprefix("el ")
        long = long.removeprefix("une ").removeprefix("Exchange Commission and the ")

    assert [(item.short, item.long) for item in find_definitions(text)] == [(short, long)]


@pytest.mark.parametrize(
    ("text", "definitions"),
    [
        (
            "parathyroid hormone (PTH)-related protein (PTHrP)",
            [("PTH", "parathyroid hormone"), ("PTHrP", "parathyroid hormone-related protein")],
        ),
        (
            "the interleukin-2 (IL-2) receptor (IL-2R)",
            [("IL-2", "interleukin-2"), ("IL-2R", "interleukin-2 receptor")],
        ),
        (
            "left ventricular (LV) mass index (LVMI)",
            [("LV", "left ventricular"), ("LVMI", "left ventricular mass index")],
        ),
        (
            "tyrosine hydroxylase (TH)-immunoreactive (IR) cells",
            [("TH", "tyrosine hydroxylase"), ("IR", "immunoreactive")],
        ),
        (
            "tuberculosis (TB), pulmonary TB (PTB)",
            [("TB", "tuberculosis"), ("PTB", "pulmonary TB")],
        ),
        (
            "(measured by an ELISA (enzyme-linked immunosorbent assay) kit)",
            [("ELISA", "enzyme-linked immunosorbent assay")],
        ),
    ],
)
def test_definitions_nest(text, definitions):
    assert [(item.short, item.long) for item in find_definitions(text)] == definitions


@pytest.mark.parametrize(
    "text",
    [
        "The Augmented X (Xa) and Mask X (X2) models",  # a variant of X
        "Augmented BLEU (BLEUa)",
        "Intracellular calcium ([Ca2+]i) was high",
        "using fura-2 (Molecular Probes, Eugene, OR)",
        "at the University of Alberta (Edmonton, AB)",
        "a protein of 42 kDa (p42)",
        "Use Transport Layer Security (TLS 1.3)",  # a version
        "cytochrome P-450 (P-450b)",
        "inulin clearance (Cin) was low",
        "the mean (SD) score",
        "in controls (NS)",
        "Rats of both sexes (group II) or more (III)",
        "the mutation (R117H) in exon 4 (codon 117)",
        "medium (RPMI 1640) with serum (10% FCS)",
        "trousers in black (size XL), shoes (UK 9)",
        "the bolt (M8) at 25 Nm (torque)",
        "damages (Article 4) of dollars (USD 1,000,000)",
        "a second-order section ('sos') of the filter",  # a value in code
        "many milligrams (mg) and base units (min)",
        "numbers (No. 5), figures (Fig. 2) and sections (Sec. 1)",
    ],
)
def test_traps_define_nothing(text):
    assert find_definitions(text) == []
