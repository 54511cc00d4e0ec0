"""Fresh secrets in place of recorded ones. They exist in memory for one run, and nowhere else.

`sources` says where one comes from, `mint` signs a JWT anew, `oauth` asks a token endpoint
(`sign_in` is its part in the browser, `issuers` makes such clients from the configuration), and
`wallet` fills secrets in.
"""

from replay.auth.mint import mint
from replay.auth.sources import TokenSource, assigned, key_from, values_from
from replay.auth.wallet import Wallet

__all__ = ["TokenSource", "Wallet", "assigned", "key_from", "mint", "values_from"]
