"""What one must know about a PBX's site to read its numbers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Site:
    """The habits of one PBX.

    :param country: ISO 3166 code ("NL"), decides national numbers, emergency and short codes
    :param internal_min: shortest number that is an extension
    :param internal_max: longest number that is an extension
    :param outside_prefix: dialled before an outside number ("0", "9"), "" if none
    :param extensions: numbers that are extensions whatever their length
    :param trunks: the PBX's own outside numbers; they are ours, never a customer's
    """

    country: str = ""
    internal_min: int = 2
    internal_max: int = 5
    outside_prefix: str = ""
    extensions: frozenset[str] = field(default_factory=frozenset)
    trunks: frozenset[str] = field(default_factory=frozenset)
