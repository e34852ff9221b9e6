"""The public data sets: what each file is, byte for byte, and where its authors keep it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file as its authors published it.

    Attributes
    ----------
    path : str
        Where it lies below the folder of the data sets.
    n_bytes : int
        Its size.
    sha256 : str
        Its SHA-256, in hexadecimal.
    url : str or None
        Where it can be downloaded; None if no such place is known.
    """

    path: str
    n_bytes: int
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """Files that belong together.

    Attributes
    ----------
    licence : str
        Licence of the texts.
    source : str
        Page of the authors, or of those who keep the files.
    files : mapping of str to DataFile
        Its files by subset.
    origin : str
        For files that cannot be downloaded: what they are and what they were made from.
    """

    licence: str
    source: str
    files: Mapping[str, DataFile]
    origin: str = ""


_GITHUB, _RAW = "https://github.com", "https://raw.githubusercontent.com"
# Commits, for a branch may change under a reader.
_KORNLU = f"{_RAW}/kakaobrain/kor-nlu-datasets/0df0fe7d496eb61b092e022e238c2230b29f1cbc"
_PARAKQC = f"{_RAW}/warnikchow/paraKQC/c16270fe6c2e888af07e7cb043248ad31d8a6f9c"
_STYLEKQC = f"{_RAW}/cynthia/stylekqc/7079d30f64c175cea7e3e6eb82c5385783d124a5"
# A few characters of the training part were corrected later, in a file of another name.
_STYLEKQC_CORRECTED = f"{_RAW}/cynthia/stylekqc/882b3dc40b2debdcd1c4f5f23d99877cf9063cb1"
_QUESTION_PAIR = f"{_RAW}/songys/Question_pair/e84b6f0e784c10c6a22cbbc7b1e415b901baa877"
_CHATBOT = f"{_RAW}/songys/Chatbot_data/4cf20d13fc46f5037fd1c531cd566e2dd9f72974"
_INTENTS = f"{_RAW}/warnikchow/3i4k/4edfea0b6508d3b78f0f74c73cbf74dd852d0ef1"
_SAE4K = f"{_RAW}/warnikchow/sae4k/a3a7a4510ea010d210956ad50e38a61c7c838b0f"
_PETITIONS = f"{_RAW}/lovit/petitions_archive/03dc3f3d69e03a0a4885350c6991e328fc0a6b81"
_KOBEST = f"{_RAW}/SKT-LSL/KoBEST_datarepo/2956e24d8d5de8bad263432480f740d0e2eeee43"
# The commit that put these files there is not known, so whatever the default branch has is compared with the sums.
_AUTORAG = f"{_RAW}/Marker-Inc-Korea/AutoRAG-example-korean-embedding-benchmark/HEAD"

DATA_SETS: dict[str, DataSet] = {
    "korsts": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/kakaobrain/kor-nlu-datasets",
        {
            "train": DataFile(
                "kornlu/sts-train.tsv",
                1_046_952,
                "b5aaa7f957d6ff46f4b6834a8b0f024a9234a6eefe9289aed66746b4533da3b8",
                f"{_KORNLU}/KorSTS/sts-train.tsv",
            ),
            "dev": DataFile(
                "kornlu/sts-dev.tsv",
                307_276,
                "d835b65b424401fbcce6be28a78159df8d61f5b19977ea7a0b83b8cb6105f393",
                f"{_KORNLU}/KorSTS/sts-dev.tsv",
            ),
        },
    ),
    "xnli": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/kakaobrain/kor-nlu-datasets",
        {
            "dev": DataFile(
                "kornlu/xnli.dev.ko.tsv",
                511_383,
                "821fb1c1c2e538ac2724a6132da36ffa379eb9a542ceb89243b3cf711377382c",
                f"{_KORNLU}/KorNLI/xnli.dev.ko.tsv",
            ),
            "test": DataFile(
                "kornlu/xnli.test.ko.tsv",
                1_032_430,
                "0db53cf8e182283a0d0404ec3fe1b15d1e29236d23d22082dc20d43067254b3e",
                f"{_KORNLU}/KorNLI/xnli.test.ko.tsv",
            ),
        },
    ),
    "parakqc": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/warnikchow/paraKQC",
        {
            "all": DataFile(
                "parakqc/paraKQC_v1.txt",
                704_972,
                "8a40f48c78c2710e5e64c1fa3a1c3dc720cb21a92f2ff375e3097973ad57e6d6",
                f"{_PARAKQC}/data/paraKQC_v1.txt",
            ),
        },
    ),
    "stylekqc": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/cynthia/stylekqc",
        {
            "train": DataFile(
                "stylekqc/topic/train.tsv",
                1_905_814,
                "2f5e6bd6b7c3b62c93340270002644118f06b154408028e532fc40a6173affb7",
                f"{_STYLEKQC_CORRECTED}/topic/train.txt",
            ),
            "dev": DataFile(
                "stylekqc/topic/dev.tsv",
                95_905,
                "8884958ae66d57b9492618a1e222d4d24e78e6543c64b2d1fd5aff512a033bd4",
                f"{_STYLEKQC}/topic/dev.tsv",
            ),
            "test": DataFile(
                "stylekqc/topic/test.tsv",
                377_633,
                "a85f867a244c56413e51fa4ca7ec9159cda5673e5e3d1cc0e27fc9ff6409edce",
                f"{_STYLEKQC}/topic/test.tsv",
            ),
        },
    ),
    "question_pair": DataSet(
        "MIT",
        f"{_GITHUB}/songys/Question_pair",
        {
            "train": DataFile(
                "question_pair/train.txt",
                441_758,
                "addf4c88b19066ad55a09f466c5c3f6428b3f2bd5d55100d3ca5b93d9d8daff9",
                f"{_QUESTION_PAIR}/train.txt",
            ),
            "validation": DataFile(
                "question_pair/validation.txt",
                49_083,
                "3928c783f561f36547fd8e0c9d78a6e1d6013db3debcf559c4135aa5536badea",
                f"{_QUESTION_PAIR}/validation.txt",
            ),
        },
    ),
    "chatbot": DataSet(
        "MIT",
        f"{_GITHUB}/songys/Chatbot_data",
        {
            "all": DataFile(
                "chatbot/ChatbotData.csv",
                889_842,
                "287eb129695b577321c80ad397bb3c2279164d4ca577874d129fd3db5b30afe2",
                f"{_CHATBOT}/ChatbotData.csv",
            ),
        },
    ),
    "3i4k": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/warnikchow/3i4k",
        {
            "train": DataFile(
                "3i4k/fci_train_val.txt",
                2_661_060,
                "646f450b84992c6df806ea72aa35374db7ec30d7739920b86dfa878e73b69079",
                f"{_INTENTS}/data/train_val_test/fci_train_val.txt",
            ),
        },
    ),
    "sae4k": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/warnikchow/sae4k",
        {
            "all": DataFile(
                "sae4k/sae4k_v1.txt",
                2_545_926,
                "529361e1aa760ca90db71fc70a93215f45938028735aba1291a907f764fe1f36",
                f"{_SAE4K}/data/sae4k_v1.txt",
            ),
        },
    ),
    "ynat": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/hjjang-ai/ESAA",
        {
            "all": DataFile(
                "ynat/train.csv",
                2_303_551,
                "072fb387867423c7999b4002ad30508995da3b1036db1cac2db5b67fc7c0a6cd",
            ),
        },
        "it is 30,000 headlines of KLUE-YNAT as a contest of Dacon numbered them, from the repository hjjang-ai/ESAA",
    ),
    "petitions": DataSet(
        "KOGL type 1",
        f"{_GITHUB}/lovit/petitions_archive",
        {
            "2019-04": DataFile(
                "petitions/petitions_2019-04",
                2_036_030,
                "6db47ca63b0f46731ec22a2043aa55bd2928efd620bf9cc8c52726f7962b2fc0",
                f"{_PETITIONS}/petitions_2019-04",
            ),
            "2019-05": DataFile(
                "petitions/petitions_2019-05",
                2_581_665,
                "624dadd3d1f8b5ed9065e7b539095990dcb1babe40fb6b9d45f3feb025f8b5a6",
                f"{_PETITIONS}/petitions_2019-05",
            ),
            "2019-06": DataFile(
                "petitions/petitions_2019-06",
                2_139_900,
                "28886a963d2fabdad0e90ec2d64adf42dc0668389250fb6a4969fad968240282",
                f"{_PETITIONS}/petitions_2019-06",
            ),
        },
    ),
    "sentineg": DataSet(
        "CC BY-SA 4.0",
        f"{_GITHUB}/SKT-LSL/KoBEST_datarepo",
        {
            "train": DataFile(
                "kobest_sentineg/train.tsv",
                205_309,
                "07c8517ae035e400dc2ec8f9eb6a1d3c462c1758058c8f83ff4d1326eb80a5c7",
                f"{_KOBEST}/v1.0/SentiNeg/train.tsv",
            ),
            "dev": DataFile(
                "kobest_sentineg/dev.tsv",
                22_004,
                "a64c8f70d11930222b0a356871512680a9ca230721ced23ffd73e14cf0478b79",
                f"{_KOBEST}/v1.0/SentiNeg/dev.tsv",
            ),
            "test": DataFile(
                "kobest_sentineg/test.tsv",
                37_016,
                "7bec3d31ccebee0db4cfcedc7205cfd7d21603ecaec5327ce4a74eff54d0007d",
                f"{_KOBEST}/v1.0/SentiNeg/test.tsv",
            ),
        },
    ),
    "kowiki": DataSet(
        "CC BY-SA 3.0",
        f"{_GITHUB}/97danielj/WordEmbedding",
        {
            "all": DataFile(
                "kowiki/kowiki_110k.jsonl.xz",
                53_302_224,
                "01890338e9ac3c7b49d59d2f0db3c44d2086dec596cfc53aa57d93e04835a2b8",
            ),
        },
        "it is 110,000 articles of at least 200 characters, cut at 2,000, of the Korean Wikipedia of 2022 as the "
        "repository 97danielj/WordEmbedding has it, packed anew",
    ),
    "nsmc": DataSet(
        "CC0",
        f"{_GITHUB}/e9t/nsmc",
        {
            "all": DataFile(
                "nsmc_raw/reviews.tsv.xz",
                16_979_136,
                "605669d6b97448e790e9ef7343fef41af15a265682d8d892006cefbf3a36f8ba",
            ),
        },
        "it is the different reviews of the files raw/*.json of the repository e9t/nsmc, packed anew",
    ),
    "autorag": DataSet(
        "none stated",
        f"{_GITHUB}/Marker-Inc-Korea/AutoRAG-example-korean-embedding-benchmark",
        {
            "queries": DataFile(
                "autorag/qa_v4.parquet",
                50_428,
                "a1e7ff5ca1a68818e52277e70cdf8caacd3f31f0f61b2ba33d0570d25a4b6787",
                f"{_AUTORAG}/data/qa_v4.parquet",
            ),
            "passages": DataFile(
                "autorag/ocr_corpus_v3.parquet",
                707_929,
                "aabf2a1fcfd173a17564ed760e5ce55d122cfd6036636549ed3b9fb9711df743",
                f"{_AUTORAG}/data/ocr_corpus_v3.parquet",
            ),
        },
    ),
}
