# Stratum V2 by the sizes of its Noise handshake and of what follows, which the reader of that handshake tells
# (src/dpi/noise.rs): all of it looks random, so no signature could describe it.
# Source: stratumprotocol.org/specification.
dialect stratum-v2
describe "Stratum V2: the sizes of its Noise handshake and of what follows"
family stratum
ask stratum-v2
hint name sv2
hint port 34254 34255 34265
