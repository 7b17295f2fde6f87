"""How large a frame may be."""

MAX_FRAME_SIDE = 320  # 230 kB a frame: what loopback and a Gigabit network carry at camera rates with ease


def scaled_size(height: int, width: int, longest: int = MAX_FRAME_SIDE) -> tuple[int, int]:
    """Give the size that keeps the shape and whose longest side is at most ``longest``; never larger than it was."""
    factor = min(1.0, longest / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))
