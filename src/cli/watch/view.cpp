// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/document_text.hpp"
#include "cli/watch/raster.hpp"

namespace farewell::cli::watch {
namespace {

constexpr int kLabelWidth = 7;  // of the raster's axis: "65535 "
constexpr int kBarWidth = 10;
constexpr int kPortMax = 65535;
// Ports up to about this many get as much room as those up to sixteen times as many: scanners like low ones.
constexpr double kPortBend = 256;

constexpr Style kPlain{};
constexpr Style kFaint{.ink = Ink::faint};
constexpr Style kBold{.bold = true};
constexpr Style kBad{.ink = Ink::bad};

double height_of_port(double port) {
    return std::log1p(port / kPortBend) / std::log1p(kPortMax / kPortBend);
}
int port_at_height(double height) {
    return static_cast<int>(std::lround(kPortBend * std::expm1(height * std::log1p(kPortMax / kPortBend))));
}

/// Where things are, by the size of the screen.
struct Layout {
    explicit Layout(Size size)
        : width(size.width),
          raster_height((size.height - kOther) * 55 / 100),
          raster_width(size.width - kLabelWidth),
          axis(kRasterTop + raster_height),
          lists(axis + 2),
          list_rows(size.height - lists - 2),
          right(size.width - std::clamp(size.width * 2 / 5, kBansWidthMin, kBansWidthMax)),
          last(size.height - 1) {}

    static constexpr int kRasterTop = 2;
    static constexpr int kOther = 6;  // rows: two of the header, axis, rate, titles of the lists, keys
    static constexpr int kBansWidthMin = 32;
    static constexpr int kBansWidthMax = 54;
    int width;
    int raster_height;
    int raster_width;
    int axis;
    int lists;
    int list_rows;
    int right;  // where the list of bans begins
    int last;
};

class View {
 public:
    View(const Model& model, Size size, bool with_unicode)
        : model_(model), layout_(size), canvas_(size), with_unicode_(with_unicode) {}

    Canvas draw() {
        header();
        raster();
        rates();
        list(model_.nearest(), 0, layout_.right - 1, false);
        list(model_.bans(), layout_.right, layout_.width - layout_.right, true);
        footer();
        if (model_.mode() == Mode::reading) {
            page();
        }
        if (!with_unicode_) {
            canvas_.restrict_to_ascii();
        }
        return std::move(canvas_);
    }

 private:
    [[nodiscard]] char32_t glyph(char32_t unicode, char32_t ascii) const {
        return with_unicode_ ? unicode : ascii;
    }

    void header() {
        const Model::Header& header = model_.header();
        int x = canvas_.write(0, 0, fmt::format("farewell {}  ", header.version), kBold);
        x += canvas_.write(x, 0, header.observing ? "observing, nobody is banned" : "enforcing",
                           {.ink = header.observing ? Ink::warning : Ink::good, .bold = true});
        canvas_.write(x, 0, fmt::format("  up {}", duration(header.uptime)));
        const std::string clock = clock_text(model_.now());
        canvas_.write(layout_.width - static_cast<int>(clock.size()), 0, clock, kFaint);
        if (model_.is_paused()) {
            canvas_.write(layout_.width - static_cast<int>(clock.size()) - 9, 0, " PAUSED ",
                          {.ink = Ink::warning, .bold = true, .reversed = true});
        }
        std::string line =
            fmt::format("{:.0f} packets/s   {:.0f} probes/s   {} sources   {} banned ({} since the start)",
                        header.packets_per_second, header.probes_per_second, header.tracked, header.bans,
                        header.bans_decided);
        if (header.lost > 0) {
            line += fmt::format("   {} lost", header.lost);
        }
        if (header.left_out > 0) {
            line += fmt::format("   {} not drawn", header.left_out);
        }
        if (header.missed > 0) {
            line += fmt::format("   {} pictures missed", header.missed);
        }
        const int used = canvas_.write(0, 1, line);
        if (!header.trouble.empty()) {
            canvas_.write(used + 2, 1, "! " + header.trouble, {.ink = Ink::bad, .bold = true});
        }
    }

    static std::string clock_text(double at) {
        if (at <= 0) {
            return "waiting for the daemon";
        }
        const auto whole = static_cast<std::time_t>(at);
        std::tm parts{};
        localtime_r(&whole, &parts);
        return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
    }

    /// Which dot of the raster's row a moment is at; negative: too long ago.
    [[nodiscard]] int column_of(double at, int columns) const {
        const double ago = std::max(model_.now() - at, 0.0);
        return static_cast<int>(std::floor((1 - ago / model_.span()) * (columns - 1) + 0.5));
    }

    [[nodiscard]] Style style_of(const std::string& source) const {
        if (model_.is_known_banned(source)) {
            return kBad;
        }
        return {.ink = source_ink(std::hash<std::string>()(source))};
    }

    void raster() {
        Raster raster(layout_.raster_width, layout_.raster_height);
        const int columns = layout_.raster_width * Raster::kDotsAcross;
        const int rows = layout_.raster_height * Raster::kDotsDown;
        const std::string selected = model_.selection() != nullptr ? model_.selection()->source : "";
        for (const ShownProbe& probe : model_.probes()) {
            if (!model_.is_wanted(probe)) {
                continue;
            }
            Style style = style_of(probe.source);
            const bool is_selected = probe.source == selected;
            style.bold = is_selected;
            const int rank = is_selected ? 2 : style.ink == Ink::bad ? 1 : 0;
            raster.dot(column_of(probe.at, columns),
                       rows - 1 - static_cast<int>(std::lround(height_of_port(probe.number) * (rows - 1))),
                       style, rank);
        }
        raster.draw(canvas_, kLabelWidth, Layout::kRasterTop, with_unicode_);
        for (int row = 0; row < layout_.raster_height; ++row) {
            const int y = Layout::kRasterTop + row;
            // The port in the middle of a row; a label on every other row is enough.
            const double height = 1 - (row + 0.5) / layout_.raster_height;
            if (row % 2 == 0) {
                canvas_.write(0, y, fmt::format("{:>{}}", port_at_height(height), kLabelWidth - 2), kFaint);
            }
            canvas_.put(kLabelWidth - 1, y, glyph(U'│', U'|'), kFaint);
        }
        axis();
    }

    void axis() {
        canvas_.put(kLabelWidth - 1, layout_.axis, glyph(U'└', U'+'), kFaint);
        for (int x = kLabelWidth; x < layout_.width; ++x) {
            canvas_.put(x, layout_.axis, glyph(U'─', U'-'), kFaint);
        }
        canvas_.write(0, layout_.axis, "port", kFaint);
        canvas_.write(kLabelWidth, layout_.axis, fmt::format("-{:.0f}s ", model_.span()), kFaint);
        canvas_.write(kLabelWidth + layout_.raster_width / 2 - 2, layout_.axis,
                      fmt::format(" -{:g}s ", model_.span() / 2), kFaint);
        canvas_.write(layout_.width - 4, layout_.axis, " now", kFaint);
        for (const double banned_at : model_.ban_marks()) {
            const int column = column_of(banned_at, layout_.raster_width);
            if (column >= 0) {
                canvas_.put(kLabelWidth + column, layout_.axis, glyph(U'▲', U'^'),
                            {.ink = Ink::bad, .bold = true});
            }
        }
    }

    /// Probes a second over the same time, the highest filling its cell.
    void rates() {
        static constexpr std::u32string_view kBlocks = U" ▁▂▃▄▅▆▇█";
        static constexpr std::u32string_view kAscii = U" .:-=+*%#";
        const int y = layout_.axis + 1;
        std::vector<double> highest(static_cast<std::size_t>(layout_.raster_width));
        double top = 1;
        for (const Rate& rate : model_.rates()) {
            const int column = column_of(rate.at, layout_.raster_width);
            if (column >= 0) {
                double& value = highest[static_cast<std::size_t>(column)];
                value = std::max(value, rate.probes_per_second);
                top = std::max(top, value);
            }
        }
        canvas_.write(0, y, fmt::format("{:>4.0f}/s", top), kFaint, kLabelWidth);
        for (int x = 0; x < layout_.raster_width; ++x) {
            const double share = highest[static_cast<std::size_t>(x)] / top;
            const auto level = static_cast<std::size_t>(std::ceil(share * 8));
            canvas_.put(kLabelWidth + x, y, (with_unicode_ ? kBlocks : kAscii).at(level), {.ink = Ink::good});
        }
    }

    void list(const List& list, int x, int width, bool is_of_bans) {
        const bool is_active = model_.is_bans_list_active() == is_of_bans;
        const std::string title = is_of_bans ? fmt::format(" banned: {} ", model_.header().bans)
                                             : std::string(" nearest to a ban ");
        canvas_.fill(x, layout_.lists, width, 1, {.reversed = is_active});
        canvas_.write(x, layout_.lists, title, {.bold = true, .reversed = is_active}, width);
        if (list.rows.empty()) {
            canvas_.write(x + 1, layout_.lists + 1,
                          !model_.filter().empty() ? "none passes the filter"
                          : is_of_bans             ? "nobody"
                                                   : "nobody has tried a closed port",
                          kFaint, width - 1);
        }
        const auto rows = static_cast<std::size_t>(std::max(layout_.list_rows, 0));
        const std::size_t first = list.selected >= rows ? list.selected + 1 - rows : 0;
        for (std::size_t i = 0; i < rows && first + i < list.rows.size(); ++i) {
            const int y = layout_.lists + 1 + static_cast<int>(i);
            const bool is_selected = is_active && first + i == list.selected;
            if (is_selected) {
                canvas_.fill(x, y, width, 1, {.reversed = true});
                canvas_.put(x, y, glyph(U'▸', U'>'), {.reversed = true});
            }
            const Row& row = list.rows[first + i];
            is_of_bans ? ban_row(row, x + 1, y, width - 1, is_selected)
                       : nearest_row(row, x + 1, y, width - 1, is_selected);
        }
    }

    void nearest_row(const Row& row, int x, int y, int width, bool is_selected) {
        const std::string points = fmt::format("{:g}/{}", row.points, row.threshold);
        const std::string rest = fmt::format(
            "{} {} ago {}{}", points, duration(std::floor(std::max(model_.now() - row.seen, 0.0))), row.tools,
            width > 70 && row.could_be_forged ? "  could be forged" : "");
        const int address = std::clamp(width - kBarWidth - 20, 16, 40);
        Style style = style_of(row.source);
        style.reversed = is_selected;
        canvas_.write(x, y, row.source, style, address);
        bar(x + address + 1, y, row.share, is_selected);
        canvas_.write(x + address + kBarWidth + 2, y, rest, {.reversed = is_selected},
                      width - address - kBarWidth - 2);
    }

    void bar(int x, int y, double share, bool is_selected) {
        const int full = std::clamp(static_cast<int>(std::lround(share * kBarWidth)), 0, kBarWidth);
        const Ink ink = share >= 0.75 ? Ink::bad : share >= 0.5 ? Ink::warning : Ink::good;
        for (int i = 0; i < kBarWidth; ++i) {
            canvas_.put(x + i, y, i < full ? glyph(U'█', U'#') : glyph(U'░', U'.'),
                        {.ink = i < full ? ink : Ink::faint, .reversed = is_selected});
        }
    }

    void ban_row(const Row& row, int x, int y, int width, bool is_selected) {
        const std::string rest = fmt::format("{} {}", row.soft ? "soft" : "full", duration(row.seconds_left));
        const int address = std::clamp(width - static_cast<int>(rest.size()) - 1, 8, 40);
        canvas_.write(x, y, row.source, {.ink = Ink::bad, .reversed = is_selected}, address);
        canvas_.write(x + address + 1, y, rest, {.reversed = is_selected}, width - address - 1);
    }

    void footer() {
        const int y = layout_.last;
        switch (model_.mode()) {
            case Mode::confirming:
                canvas_.write(0, y, model_.question() + "  y/n", {.ink = Ink::warning, .bold = true});
                return;
            case Mode::filtering:
                canvas_.write(0, y, "/" + model_.filter() + (with_unicode_ ? "▏" : "_"), kBold);
                return;
            case Mode::normal:
            case Mode::reading:
                break;
        }
        if (!model_.message().empty()) {
            canvas_.write(0, y, model_.message(),
                          {.ink = model_.is_message_bad() ? Ink::bad : Ink::good, .bold = true});
            return;
        }
        if (!model_.filter().empty()) {
            canvas_.write(0, y, fmt::format("only `{}`   Escape shows all   ? help  q quit", model_.filter()),
                          kBold);
            return;
        }
        canvas_.write(0, y, "j k Tab  b ban  u unban  a allow  e explain  / filter  p pause  ? help  q quit",
                      kFaint);
    }

    /// Help or an explanation, over everything else.
    void page() {
        const int height = canvas_.size().height;
        canvas_.fill(0, 0, layout_.width, height);
        int y = 0;
        bool is_whole = true;
        for (std::size_t i = model_.page_top(); i < model_.page().size(); ++i) {
            std::string_view rest = model_.page()[i];
            int indent = 0;
            do {
                is_whole = is_whole && y < height - 1;
                if (y < height - 1) {
                    canvas_.write(indent, y, take_line(rest, layout_.width - indent),
                                  i == 0 ? kBold : kPlain);
                }
                indent = kContinued;
                ++y;
            } while (!rest.empty() && y < height);
        }
        canvas_.write(
            0, height - 1,
            is_whole && model_.page_top() == 0 ? "any key closes" : "j k Space scroll   any other key closes",
            kFaint);
    }

    /// As many words as fit into `width` bytes, taken off the front of the text; a longer word is cut.
    static std::string_view take_line(std::string_view& text, int width) {
        const auto room = static_cast<std::size_t>(std::max(width, 1));
        std::size_t length = text.size();
        if (length > room) {
            const std::size_t space = text.rfind(' ', room);
            length = space == std::string_view::npos || space == 0 ? room : space;
        }
        const std::string_view line = text.substr(0, length);
        text.remove_prefix(length);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        return line;
    }

    static constexpr int kContinued = 6;  // by how much the rest of a long line is indented

    const Model& model_;
    Layout layout_;
    Canvas canvas_;
    bool with_unicode_;
};

}  // namespace

Canvas draw(const Model& model, Size size, bool with_unicode) {
    if (size.width < kSizeMin.width || size.height < kSizeMin.height) {
        Canvas canvas(size);
        canvas.write(0, 0,
                     fmt::format("farewell watch needs {}x{} at least", kSizeMin.width, kSizeMin.height));
        canvas.write(0, 1, "q quit", kFaint);
        return canvas;
    }
    return View(model, size, with_unicode).draw();
}

}  // namespace farewell::cli::watch
