"""`llgrad fit` on files as labs have them: how they were read is said in one line; a table is a table."""

import json

import pytest

TABLE = "I [mA]; f [GHz]; error [MHz]\n2,0;0,5277;2,6\n2,5;0,4416;2,2\n3,0;0,3259;1,6\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path / "table.csv"


def test_a_table_of_frequencies_is_fitted(llgrad, table, tmp_path):
    ended = llgrad("fit", table, "--device", "kubota2013", "--free", "alpha", "--start", "alpha=0.006", "--plot", "p")
    assert ended.status == 0
    assert ended.err == (
        "llgrad: read table.csv: cells separated by semicolons, decimal commas; current from 'I' in mA, "
        "frequency from 'f' in GHz, error in MHz; 3 frequencies, current from 2 mA to 3 mA\n"
    )
    assert ended.out.split("alpha")[1].split()[0].startswith("0.005")
    assert [file.name for file in (tmp_path / "p").iterdir()] == ["history.png"], "there is no trace to draw"


def test_json_says_nothing_on_stderr(llgrad, short_trace):
    options = ("--device", "kubota2013", "--free", "alpha", "--json", "--m0", "1deg,1deg")
    ended = llgrad("fit", short_trace, *options)
    assert ended.err == "" and json.loads(ended.out)["converged"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--free", "current"], "current is free, but it is what the table sweeps"),
        (["--free", "alpha", "--columns", "mx"], "--columns chooses among those of a trace, and"),
        (["--free", "alpha", "--sine-current", "0.1mA,1GHz"], "a table of frequencies is that of free oscillations"),
    ],
)
def test_what_a_table_cannot_be_asked(refused, table, options, sentence):
    assert sentence in refused("fit", table, "--device", "kubota2013", *options)
