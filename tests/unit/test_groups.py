from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symlearn.groups import FiniteGroup, Subgroup, cyclic, dihedral, from_table, product


def table_of(elements, multiply):
    position = {element: index for index, element in enumerate(elements)}
    return np.array([[position[multiply(a, b)] for b in elements] for a in elements])


def of_permutations(degree, even=False):
    elements = list(permutations(range(degree)))
    if even:
        elements = [p for p in elements if np.linalg.det(np.eye(degree)[list(p)]) > 0]
    return table_of(elements, lambda a, b: tuple(a[i] for i in b))


def quaternion():
    """Q8 as (sign, unit) with the units 1, i, j, k."""
    products = ["+1 +i +j +k", "+i -1 +k -j", "+j -k -1 +i", "+k +j -i -1"]
    unit = [row.split() for row in products]
    names = "1ijk"

    def multiply(a, b):
        sign, name = unit[names.index(a[1])][names.index(b[1])]
        negative = [a[0], b[0], sign].count("-") % 2
        return "-+"[not negative], name

    return table_of([(sign, name) for sign in "+-" for name in names], multiply)


def relabelled(group, seed):
    """The table of a group with all elements but the identity in another order."""
    order = np.concatenate([[0], 1 + np.random.default_rng(seed).permutation(len(group) - 1)])
    return np.argsort(order)[group.table[np.ix_(order, order)]]


TABLES = {
    "S3": (of_permutations(3), [1, 1, 2]),
    "Q8": (quaternion(), [1, 1, 1, 1, 2]),
    "A4": (of_permutations(4, even=True), [1, 1, 1, 3]),
    "S4": (of_permutations(4), [1, 1, 2, 3, 3]),
}


def family_members(largest_cyclic, largest_dihedral):
    orders = {"cyclic": largest_cyclic, "dihedral": largest_dihedral}
    return st.one_of(
        st.tuples(st.just(name), st.integers(1, order)) for name, order in orders.items()
    )


small, tiny = family_members(12, 8), family_members(5, 4)
recipes = st.one_of(
    small,
    st.tuples(st.just("product"), tiny, tiny),
    st.tuples(st.just("relabelled"), small, st.integers(0, 99)),
    st.tuples(st.just("table"), st.sampled_from(sorted(TABLES))),
)


def build(recipe):
    """The group of a recipe; strategies hold recipes, for building a group draws numbers."""
    match recipe:
        case "cyclic", n:
            return cyclic(n)
        case "dihedral", n:
            return dihedral(n)
        case "product", first, second:
            return product(build(first), build(second))
        case "relabelled", other, seed:
            return from_table(relabelled(build(other), seed))
        case "table", name:
            return from_table(TABLES[name][0])


@given(recipes)
def test_the_table_is_that_of_a_group(recipe):
    group = build(recipe)
    table, elements = group.table, np.arange(len(group))
    assert (np.sort(table, axis=0) == elements[:, None]).all()
    assert (np.sort(table, axis=1) == elements).all()
    assert (table[0] == elements).all()
    assert (table[:, 0] == elements).all()
    assert (table[elements, group.inverse] == 0).all()
    assert (table[group.inverse, elements] == 0).all()
    assert (table[table] == table[:, table]).all()
    g, h = np.indices(table.shape)
    assert (table[g, group.left_division] == h).all()


@given(recipes)
def test_irreps_are_unitary_homomorphisms(recipe):
    group = build(recipe)
    for irrep in group.irreps:
        matrices = irrep.matrices
        np.testing.assert_allclose(
            np.einsum("gij,hjk->ghik", matrices, matrices), matrices[group.table], atol=1e-9
        )
        adjoint = matrices.conj().swapaxes(1, 2)
        np.testing.assert_allclose(adjoint, matrices[group.inverse], atol=1e-9)


@given(recipes)
def test_irreps_are_complete_and_inequivalent(recipe):
    group = build(recipe)
    characters = np.stack([irrep.character for irrep in group.irreps])
    overlaps = characters.conj() @ characters.T / len(group)
    np.testing.assert_allclose(overlaps, np.eye(len(group.irreps)), atol=1e-9)
    assert sum(irrep.dimension**2 for irrep in group.irreps) == len(group)
    assert sum(np.allclose(character, 1) for character in characters) == 1


@pytest.mark.parametrize("name", TABLES)
def test_dimensions_of_known_groups_are_found(name):
    table, dimensions = TABLES[name]
    group = from_table(table, name)
    assert group.name == name
    assert sorted(irrep.dimension for irrep in group.irreps) == dimensions


def test_equal_tables_give_equal_irreps():
    first, second = (from_table(TABLES["S4"][0]) for _ in range(2))
    for one, other in zip(first.irreps, second.irreps, strict=True):
        np.testing.assert_array_equal(one.matrices, other.matrices)


def test_dihedral_elements_are_rotations_then_rotations_after_the_reflection():
    table = dihedral(5).table
    r, s = 1, 5
    assert table[r, s] == 6
    assert table[s, r] == table[4, s]
    assert table[s, s] == 0


@given(tiny, tiny)
def test_a_product_multiplies_each_part_on_its_own(one, other):
    first, second = build(one), build(other)
    both = product(first, second)
    g, h = np.divmod(np.arange(len(both)), len(second))
    expected = first.table[np.ix_(g, g)] * len(second) + second.table[np.ix_(h, h)]
    np.testing.assert_array_equal(both.table, expected)


def loop():
    """A Latin square with identity that is not associative."""
    return np.array(
        [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
    )


C3 = cyclic(3).table
INVALID = {
    "no axes": (np.array(3), "square"),
    "one axis": (np.arange(3), "square"),
    "not square": (C3[:2], "square"),
    "empty": (np.zeros((0, 0), int), "square"),
    "fractions": (C3.astype(float), "whole numbers"),
    "identity not first": (C3[::-1], "identity"),
    "element twice in a row": (np.array([[0, 1, 2], [1, 2, 2], [2, 0, 1]]), "once"),
    "unknown element": (np.array([[0, 1], [1, 7]]), "once"),
    "negative element": (np.array([[0, 1], [1, -2]]), "once"),
    "not associative": (loop(), "not associative"),
}


@pytest.mark.parametrize("fault", INVALID)
def test_a_table_of_no_group_is_refused(fault):
    table, reason = INVALID[fault]
    with pytest.raises(ValueError, match=reason):
        from_table(table)


@pytest.mark.parametrize("family", [cyclic, dihedral])
@pytest.mark.parametrize("n", [0, -1])
def test_a_family_begins_at_one(family, n):
    with pytest.raises(ValueError, match=f"not {n}"):
        family(n)


def subgroup_of(group, numbers):
    """The subgroup generated by some elements, given by numbers modulo the order."""
    found = np.unique([0, *(number % len(group) for number in numbers)])
    while len(larger := np.unique(group.table[np.ix_(found, found)])) > len(found):
        found = larger
    return Subgroup(group, found)


generators = st.lists(st.integers(0, 999), min_size=1, max_size=2)


@given(recipes, generators)
def test_cosets_partition_the_group(recipe, numbers):
    group = build(recipe)
    subgroup = subgroup_of(group, numbers)
    assert sorted(subgroup.cosets.ravel()) == list(range(len(group)))
    np.testing.assert_array_equal(subgroup.cosets[0], subgroup.elements)
    np.testing.assert_array_equal(
        subgroup.cosets, group.table[np.ix_(subgroup.elements, subgroup.cosets[:, 0])].T
    )
    for row, members in enumerate(subgroup.cosets):
        assert (subgroup.coset_of[members] == row).all()


@given(recipes, generators)
def test_a_subgroup_multiplies_as_its_parent(recipe, numbers):
    parent = build(recipe)
    subgroup = subgroup_of(parent, numbers)
    own = subgroup.group
    assert len(own) == len(subgroup)
    np.testing.assert_array_equal(
        subgroup.elements[own.table], parent.table[np.ix_(subgroup.elements, subgroup.elements)]
    )


@given(small)
def test_all_elements_are_the_group_itself(recipe):
    group = build(recipe)
    assert Subgroup(group, np.arange(len(group))).group is group


NO_SUBGROUP = {
    "empty": ([], "identity"),
    "identity not first": ([2, 0], "identity"),
    "not closed": ([0, 1], "not closed"),
    "twice": ([0, 2, 2], "twice"),
    "unknown": ([0, 4], "no elements"),
    "negative": ([0, -2], "no elements"),
}


@pytest.mark.parametrize("fault", NO_SUBGROUP)
def test_elements_that_form_no_subgroup_are_refused(fault):
    elements, reason = NO_SUBGROUP[fault]
    with pytest.raises(ValueError, match=reason):
        Subgroup(cyclic(4), np.array(elements, dtype=int))


def test_irreps_that_were_not_separated_are_an_error(monkeypatch):
    monkeypatch.setattr(
        "symlearn.groups.families._eigenspaces", lambda _, vectors: [vectors[:, :1]]
    )
    with pytest.raises(ValueError, match="could not be separated"):
        from_table(cyclic(3).table)


def test_a_group_knows_its_order():
    assert isinstance(cyclic(7), FiniteGroup)
    assert len(product(cyclic(2), dihedral(3))) == 12
