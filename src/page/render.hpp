// SPDX-License-Identifier: GPL-2.0-or-later
// A document in, one self-contained HTML page out. Pure. Headline and tables are there without script; the
// script adds the raster, the charts, search, sorting and the evidence behind each source.
#pragma once

#include <string>

#include "page/document.hpp"

namespace farewell::page {

[[nodiscard]] std::string render(const Document& document);

}  // namespace farewell::page
