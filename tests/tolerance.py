"""How far two float32 computations of one number may lie apart.

Processors, and batches of other sizes, add up in other orders: a sum is then another one in its
last digits. Equal bytes are asked only where the very same computation runs twice.
"""

FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}
