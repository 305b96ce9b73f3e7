// SPDX-License-Identifier: GPL-2.0-or-later
// What farewell watch knows: the daemon's pictures and the operator's keys go in, orders for the daemon come
// out. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control_client.hpp"
#include "cli/watch/keys.hpp"

namespace farewell::cli::watch {

struct ShownProbe {
    double at = 0;  ///< seconds on the daemon's wall clock
    std::string source;
    std::string port;  ///< "tcp/22"
    std::uint16_t number = 0;
};

/// One source, banned or not.
struct Row {
    std::string source;
    // Of those not banned:
    double share = 0;
    double points = 0;
    std::uint64_t threshold = 0;
    double seen = 0;
    std::string tools = {};
    bool could_be_forged = true;
    std::vector<std::string> ports = {};
    // Of bans:
    double seconds_left = 0;
    double since = 0;
    bool soft = false;
};

/// A list with one row selected, which stays selected when the list changes around it.
struct List {
    std::vector<Row> rows;
    std::size_t selected = 0;

    void replace(std::vector<Row> next);
    void move(int by);
    [[nodiscard]] const Row* selection() const { return selected < rows.size() ? &rows[selected] : nullptr; }
};

/// What to ask the daemon for.
struct Order {
    enum class Kind : std::uint8_t { ban, unban, allow, explain };
    Kind kind = Kind::explain;
    std::string source;
    [[nodiscard]] std::string_view method() const;
    [[nodiscard]] nlohmann::json parameters() const;
};

enum class Mode : std::uint8_t { normal, confirming, filtering, reading };

struct Rate {
    double at = 0;
    double probes_per_second = 0;
};

class Model {
 public:
    /// A farewell/watch/v1.
    void on_picture(const nlohmann::json& picture);
    /// nullopt: nothing to ask the daemon for.
    [[nodiscard]] std::optional<Order> on_key(const Key& key);
    void on_answer(const Order& order, const nlohmann::json& answer);
    void on_failure(const CallFailure& failure);

    // For the view.

    struct Header {
        std::string version;
        bool observing = false;
        double uptime = 0;
        double packets_per_second = 0;
        double probes_per_second = 0;
        std::uint64_t lost = 0;
        std::uint64_t tracked = 0;
        std::uint64_t bans = 0;
        std::uint64_t bans_decided = 0;
        std::uint64_t left_out = 0;  ///< probes not shown, of the last picture
        std::uint64_t missed = 0;    ///< pictures, all in all
        std::string trouble;
    };
    [[nodiscard]] const Header& header() const { return header_; }
    [[nodiscard]] bool has_picture() const { return now_ > 0; }
    [[nodiscard]] double now() const { return now_; }    ///< of the last picture shown
    [[nodiscard]] double span() const { return span_; }  ///< seconds that the raster shows
    [[nodiscard]] const std::deque<ShownProbe>& probes() const { return probes_; }
    [[nodiscard]] const std::deque<Rate>& rates() const { return rates_; }
    /// When somebody was banned.
    [[nodiscard]] const std::deque<double>& ban_marks() const { return marks_; }
    [[nodiscard]] const List& nearest() const { return nearest_; }
    [[nodiscard]] const List& bans() const { return bans_; }
    [[nodiscard]] bool is_bans_list_active() const { return in_bans_; }
    [[nodiscard]] const Row* selection() const { return (in_bans_ ? bans_ : nearest_).selection(); }
    [[nodiscard]] bool is_wanted(const ShownProbe& probe) const;
    [[nodiscard]] bool is_known_banned(const std::string& source) const;
    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] const std::string& filter() const { return filter_; }
    [[nodiscard]] const std::string& question() const { return question_; }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] bool is_message_bad() const { return is_message_bad_; }
    [[nodiscard]] const std::vector<std::string>& page() const { return page_; }  ///< being read
    [[nodiscard]] std::size_t page_top() const { return page_top_; }
    [[nodiscard]] bool is_paused() const { return is_paused_; }
    [[nodiscard]] bool wants_to_quit() const { return wants_to_quit_; }
    [[nodiscard]] bool take_suspend();

    static constexpr std::size_t kProbesMax = 16384;
    static constexpr std::size_t kRatesMax = 4096;
    static constexpr std::size_t kMarksMax = 256;

 private:
    void take_lists(const nlohmann::json& picture);
    void take_events(const nlohmann::json& picture);
    void choose_rows();
    [[nodiscard]] bool matches(const Row& row) const;
    std::optional<Order> on_normal_key(const Key& key);
    std::optional<Order> on_letter(char letter);
    std::optional<Order> on_confirming_key(const Key& key);
    void on_filtering_key(const Key& key);
    void on_reading_key(const Key& key);
    void move(int by);
    void ask(Order::Kind kind);
    void say(std::string text, bool is_bad);
    void read(std::string_view text);

    Header header_;
    double now_ = 0;
    double span_ = 60;
    std::deque<ShownProbe> probes_;
    std::deque<Rate> rates_;
    std::deque<double> marks_;
    std::vector<Row> all_nearest_;  // before the filter
    std::vector<Row> all_bans_;
    List nearest_;
    List bans_;
    bool in_bans_ = false;
    Mode mode_ = Mode::normal;
    std::string filter_;
    std::string question_;
    std::optional<Order> unconfirmed_;
    std::string message_;
    bool is_message_bad_ = false;
    std::vector<std::string> page_;
    std::size_t page_top_ = 0;
    bool is_paused_ = false;
    bool wants_to_quit_ = false;
    bool wants_to_suspend_ = false;
};

}  // namespace farewell::cli::watch
