"""What all records of points share: choosing, joining, moving, saving, tables."""

import builtins
import dataclasses

import numpy as np
import pytest
import torch
from networks import cell_and_states, line_attractor, normal

from slowpoints.dynamics import (
    Eigenmodes,
    FixedPoints,
    InvalidInput,
    Linearization,
    Manifold,
    find_fixed_points,
    find_manifold,
    linearize,
)


def searched(count=40, **options):
    direction = normal(6) / normal(6).norm()
    return find_fixed_points(
        line_attractor(direction), 3 * normal(count, 6, seed=1), 0.0 * normal(6), region=None, **options
    )


def linearized():
    cell, states = cell_and_states()
    return linearize(cell, states, modes=4)


def made() -> list:
    points, linear = searched(), linearized().with_jacobians()
    ring = torch.stack([torch.linspace(0, 6.2, 80).double().cos(), torch.linspace(0, 6.2, 80).double().sin()], dim=1)
    return [
        points,
        points[:0],
        linear,
        linear.modes,
        linear.modes[:0],
        linear[:0],
        find_manifold(points, readout=normal(2, 6)),
        find_manifold(ring, visited=ring),
        find_manifold(normal(60, 3)),  # without theta, readout or range
    ]


RECORDS = made()


def same(first, second):
    """Say whether two records hold the same, with the same types."""
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first.nan_to_num(), second.nan_to_num())
    if dataclasses.is_dataclass(first):
        assert type(first) is type(second)
        names = [field.name for field in dataclasses.fields(first)]
        return all(same(getattr(first, name), getattr(second, name)) for name in names)
    return first == second and type(first) is type(second)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_is_saved_is_loaded_as_it_was_without_pickle(record, tmp_path):
    path = tmp_path / "folder" / "record"
    record.save(path)
    assert same(type(record).load(path), record)
    assert [file.name for file in path.parent.iterdir()] == ["record"]  # no temporary file is left
    with np.load(path, allow_pickle=False) as saved:
        assert all(saved[name].dtype != object for name in saved.files)


def test_a_file_that_is_no_such_record_is_one_clear_message(tmp_path):
    path = tmp_path / "points.npz"
    with pytest.raises(InvalidInput, match="holds no FixedPoints that can be read"):
        FixedPoints.load(path)
    searched().save(path)
    with pytest.raises(InvalidInput, match=r"another kind: read it with FixedPoints\.load"):
        Manifold.load(path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    other = tmp_path / "other.npz"
    np.savez(other, states=np.ones(3))
    for content in (whole[: len(whole) // 2], bytes(flipped), b"", b"no archive", other.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"points\.npz holds no FixedPoints that can be read"):
            FixedPoints.load(path)


def test_a_file_is_whole_or_as_it_was_before(tmp_path, monkeypatch):
    path = tmp_path / "points.npz"
    points = searched()
    points.save(path)

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        points[:3].save(path)
    assert same(FixedPoints.load(path), points)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("record", [RECORDS[0], RECORDS[2], RECORDS[3], RECORDS[6]], ids=lambda r: type(r).__name__)
def test_rows_are_chosen_by_masks_slices_and_indices_of_torch_numpy_and_python(record):
    expected = record[torch.tensor([1, 3])]
    assert len(expected) == 2
    mask = torch.zeros(len(record), dtype=torch.bool)
    mask[[1, 3]] = True
    for rows in (mask, mask.numpy(), mask.tolist(), np.array([1, 3]), [1, 3], slice(1, 4, 2), range(1, 4, 2)):
        assert same(record[rows], expected)
    assert same(record[3], record[[3]])
    assert same(record[-1], record[[len(record) - 1]])
    assert same(record[::-1][::-1], record)
    assert same(record[:1] + record[1:], record)
    assert [len(row) for row in record] == [1] * len(record)


@pytest.mark.parametrize("rows", [40, [True] * 3, np.eye(2, dtype=int), 1.5, None, "x", (1, 2)])
def test_rows_that_are_not_there_are_one_clear_message(rows):
    with pytest.raises(InvalidInput, match="rows"):
        searched()[rows]


def test_a_linearisation_leaves_its_network_with_its_jacobians(tmp_path):
    linear = linearized()
    linear.save(tmp_path / "linear.npz")
    loaded, others = type(linear).load(tmp_path / "linear.npz"), linearized()
    for kept in (loaded, linear.to("cpu"), (linear[:4] + linear[4:]), (linear[:4] + others[4:])):
        torch.testing.assert_close(kept.recurrent_jacobian, linear.recurrent_jacobian)
        torch.testing.assert_close(kept.input_jacobian, linear.input_jacobian)
    rows = torch.tensor([3, 0, 3])
    change = (torch.randn(3, 5).double(), torch.randn(3, 3).double())
    torch.testing.assert_close(loaded.change(rows, *change), linear.change(rows, *change))


def test_a_row_of_a_linearisation_has_that_points_modes():
    linear = linearized()
    assert same(linear[[5, 2]].modes.right, linear.modes.right[[5, 2]])
    assert torch.equal(linear[[5, 2]].recurrent_jacobian, linear.recurrent_jacobian[[5, 2]])


def test_points_of_two_searches_are_joined_and_know_where_each_started():
    first, second = searched(30)[10:], searched(20, slow_tolerance=1e-5)
    both = first + second
    assert len(both) == 40
    assert torch.equal(both.location, torch.cat([first.location, second.location]))
    torch.testing.assert_close((both.location - both.starts[both.index]).norm(dim=1), both.displacement)
    assert len(both.starts) == 50


def test_records_that_do_not_belong_together_are_not_joined():
    points = searched()
    with pytest.raises(InvalidInput, match=r"agree in `tolerance` \(1e-08 and 1e-06\)"):
        points + searched(tolerance=1e-6)
    with pytest.raises(InvalidInput, match="rows of one shape"):
        points + find_fixed_points(line_attractor(normal(4)), normal(5, 4), torch.zeros(4))
    with pytest.raises(InvalidInput, match="agree in `components`"):
        find_manifold(points) + find_manifold(points[5:])
    cell, states = cell_and_states()
    with pytest.raises(InvalidInput, match="`eigenvalues` are"):
        linearize(cell, states, modes=2) + linearize(cell, states, modes=3)
    with pytest.raises(TypeError):
        points + linearized()


def test_some_points_of_a_manifold_keep_their_place_and_what_is_said_of_all():
    manifold = find_manifold(searched())
    some = manifold[3:8]
    assert torch.equal(some.place, manifold.place[3:8])
    assert str(some) == str(manifold)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_moves_to_a_device_with_all_it_holds(record):
    moved = record.to("meta")

    def devices(value):
        if isinstance(value, torch.Tensor):
            return {value.device.type}
        if dataclasses.is_dataclass(value):
            return set().union(*(devices(getattr(value, field.name)) for field in dataclasses.fields(value)))
        return set()

    assert devices(moved) == {"meta"}
    assert same(record.to("cpu"), record)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_shown_in_one_line_and_as_a_short_table(record):
    assert repr(record).startswith(f"{type(record).__name__}(")
    assert "\n" not in repr(record)
    table = record._repr_html_()
    assert table.count("<tr>") <= 1 + 5 + 1
    assert table.startswith("<table><caption>")


def test_a_table_escapes_what_is_in_it():
    manifold = find_manifold(normal(5, 3))
    assert "<script" not in dataclasses.replace(manifold, course="<script>")._repr_html_()


def test_the_table_of_fixed_points_has_a_row_each_with_its_status():
    pytest.importorskip("pandas")
    points = searched()
    frame = points.to_frame()
    assert list(frame.columns) == ["point", "index", "status", "outside", "q", "iterations", "displacement"]
    assert frame["q"].tolist() == points.q.tolist()
    assert frame["status"].unique().tolist() == ["converged"]
    assert len(points[:0].to_frame()) == 0


def test_the_table_of_modes_has_a_row_for_each_mode_of_each_point():
    pytest.importorskip("pandas")
    linear = linearized()
    frame = linear.to_frame()
    assert len(frame) == linear.modes.eigenvalues.numel()
    row = frame[(frame["point"] == 2) & (frame["mode"] == 1)].iloc[0]
    assert row["time_constants"] == linear.time_constants[2, 1].item()
    assert complex(row["eigenvalues_real"], row["eigenvalues_imag"]) == linear.modes.eigenvalues[2, 1].item()
    assert frame.equals(linear.modes.to_frame())


def test_the_table_of_a_manifold_has_its_positions():
    pytest.importorskip("pandas")
    ring = RECORDS[7]
    assert list(ring.to_frame().columns) == ["point", "position_1", "position_2", "theta", "place"]
    assert ring.to_frame()["theta"].tolist() == ring.theta.tolist()


@pytest.mark.parametrize(
    ("package", "call"),
    [("pandas", lambda: RECORDS[0].to_frame()), ("matplotlib", lambda: RECORDS[0].plot())],
)
def test_a_package_that_is_not_installed_is_one_clear_message(package, call, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=f"{package}.*is not installed"):
        call()


def test_the_kinds_of_records_are_those_tested():
    assert {type(record) for record in RECORDS} == {FixedPoints, Linearization, Eigenmodes, Manifold}
