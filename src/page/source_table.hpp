// SPDX-License-Identifier: GPL-2.0-or-later
// The table of sources as HTML. Pure.
#pragma once

#include <string>

#include "page/document.hpp"

namespace farewell::page {

[[nodiscard]] std::string source_table(const Document& document);

}  // namespace farewell::page
