"""How each gateway's vectors and samples of the shared folder become requests: one file a gateway, found by its name.

A file may have ``SCHEMES`` (scheme of ``vectors.json`` -> vector -> :class:`Case`), ``bodies`` (a sample's file name
and bytes -> the bodies that the gateway would send) and ``PROMISES`` (the beginning of a sample's name -> the kind of
fact it must give). What it does not have is as in :mod:`tests.acceptance.shared.plain`.
"""
