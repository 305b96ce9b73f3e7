// SPDX-License-Identifier: GPL-2.0-or-later
// The model as a screenful of cells. Pure: the same model and size always give the same cells.
#pragma once

#include "cli/watch/canvas.hpp"
#include "cli/watch/model.hpp"

namespace farewell::cli::watch {

/// Below this nothing but a request for more room is drawn.
inline constexpr Size kSizeMin{.width = 60, .height = 16};

/// `with_unicode`: dots and bars in braille and blocks, otherwise in ASCII.
[[nodiscard]] Canvas draw(const Model& model, Size size, bool with_unicode);

}  // namespace farewell::cli::watch
